// What the suites and their dependencies take from engines newer than Node 20, and from pages.

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

// Node has File, but the suites use it only where a page's FileReader says that there are files. None of them reads one with it.
globalThis.self ??= globalThis
globalThis.FileReader ??= class FileReader {}
