// What the suites' dependencies take from engines newer than Node 20.

if (typeof Promise.withResolvers !== 'function') {
  Object.defineProperty(Promise, 'withResolvers', {
    configurable: true,
    writable: true,
    value: function withResolvers () {
      let resolve
      let reject
      const promise = new this((onFulfilled, onRejected) => {
        resolve = onFulfilled
        reject = onRejected
      })
      return { promise, resolve, reject }
    }
  })
}
