// What happens to transfers between a websocket client and a kernel when the channel, the server, the kernel or the client misbehaves.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { connect, content, digestOf, IPFSClient, MIB, piecesOf, residentMemory, startServer, within } from './support.mjs'

const LIMIT = 60_000
let server
let kernel

before(async () => {
  server = await startServer()
  kernel = await server.startKernel()
})
after(() => server.close())

/** A client on a port of its own. */
let ipfs
let port
beforeEach(async () => {
  if (kernel.connection.isDisposed || kernel.connection.status === 'dead') kernel = await server.startKernel()
  port?.close()
  port = await connect(kernel.connection)
  ipfs = IPFSClient.from(port)
})

/** Bytes up and down while `trouble` goes on; both must arrive as they were sent. */
async function both (size, trouble) {
  const { bytes, sha } = content(size)
  const { cid } = await within(LIMIT, 'the way up', ipfs.add(piecesOf(bytes, at => trouble('up', at / size))))
  const down = await within(LIMIT, 'the way down', digestOf(ipfs.cat(cid), at => trouble('down', at / size)))
  assert.equal(down, sha)
}

/** Call `act` so many times, evenly over each way. */
function times (count, act) {
  const done = { up: 0, down: 0 }
  return async (way, share) => {
    while (done[way] < Math.min(count, Math.ceil(share * count))) {
      done[way]++
      await act()
    }
  }
}

test('a print flood of 20 MB by a cell loses nothing', async () => {
  let flood
  await both(16 * MIB, (way, share) => {
    if (share < 0.2) flood ??= kernel.run("for _ in range(20_000): print('x' * 1_000)")
  })
  await within(LIMIT, 'the end of the flood', flood)
})

test('a cell that sleeps, one that computes and one that awaits do not stop it', async () => {
  for (const code of ['import time; time.sleep(2)', 'sum(i * i for i in range(10_000_000))', 'import asyncio; await asyncio.sleep(2)']) {
    let ended = false
    const cell = kernel.run(code).then(() => (ended = true))
    const { bytes, sha } = content(MIB)
    const { cid } = await within(LIMIT, 'the way up', ipfs.add(bytes))
    assert.equal(await within(LIMIT, 'the way down', digestOf(ipfs.cat(cid))), sha)
    assert.ok(!ended, `the answer came after the cell: ${code}`)
    await within(LIMIT, 'the end of the cell', cell)
  }
})

test('a websocket that is cut and restored ten times each way loses nothing', async () => {
  await both(16 * MIB, times(10, () => server.line.cut()))
})

test('a second client that comes and goes changes nothing', async () => {
  let other
  await both(16 * MIB, times(4, async () => {
    other?.connection.dispose()
    other = kernel.another()
    await other.run('1')
  }))
  other.connection.dispose()
})

test('a server that stands still for two seconds loses nothing', async () => {
  await both(16 * MIB, times(1, async () => {
    process.kill(server.pid, 'SIGSTOP')
    await wait(2_000)
    process.kill(server.pid, 'SIGCONT')
  }))
})

test('interrupts of the kernel do not touch the port', async () => {
  const cell = kernel.start('import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print("interrupted")')
  await both(8 * MIB, times(5, () => kernel.connection.interrupt()))
  assert.equal((await within(LIMIT, 'the end of the cell', cell.done)).trim(), 'interrupted')
})

test('a thousand calls at once are all answered, each with its own', async () => {
  const blocks = await within(LIMIT, 'a thousand puts', Promise.all(
    Array.from({ length: 1_000 }, (_, number) => ipfs.block.put(new TextEncoder().encode(`block ${number}`)))
  ))
  const texts = await within(LIMIT, 'a thousand gets', Promise.all(blocks.map(async cid => new TextDecoder().decode(await ipfs.block.get(cid)))))
  assert.deepEqual(texts, Array.from({ length: 1_000 }, (_, number) => `block ${number}`))
})

test('ten thousand ports opened and closed leave nothing behind', async () => {
  const count = async () => Number(await kernel.run(
    'import gc; from ipfs_comm.wire import MessagePort; gc.collect(); print(sum(isinstance(o, MessagePort) and not o.closed for o in gc.get_objects()))'
  ))
  const { cid } = await ipfs.add(content(10).bytes)
  const before = await count()
  for (let batch = 0; batch < 100; batch++) {
    // A cat is a port; every other one is left early.
    await within(LIMIT, 'a hundred streams', Promise.all(Array.from({ length: 100 }, async (_, number) => {
      for await (const piece of ipfs.cat(cid)) if (number % 2 === 0 && piece.byteLength > 0) break
    })))
  }
  // The last CLOSE is answered when the next call is.
  await ipfs.block.stat(cid)
  assert.ok(await count() <= before + 2, `${await count()} ports are open, ${before} were`)
})

test('a client that does not read costs the kernel and the server a bounded memory, and nothing is lost', async () => {
  const kernelPid = Number(await kernel.run('import os; print(os.getpid())'))
  const { bytes, sha } = content(128 * MIB)
  const { cid } = await within(2 * LIMIT, 'the way up', ipfs.add(piecesOf(bytes, undefined, MIB)))
  const resident = () => [kernelPid, server.pid].map(residentMemory)
  const [before] = [resident()]
  let most = before
  const reading = digestOf(ipfs.cat(cid))
  await wait(200)
  const release = server.line.hold()
  for (let round = 0; round < 15; round++) {
    await wait(100)
    most = resident().map((now, which) => Math.max(now, most[which]))
  }
  release()
  assert.equal(await within(2 * LIMIT, 'the way down', reading), sha)
  for (const [which, name] of ['kernel', 'server'].entries()) {
    assert.ok(most[which] - before[which] <= 96 * MIB, `the ${name} grew by ${Math.round((most[which] - before[which]) / MIB)} MiB`)
  }
})

test('a restart of the kernel ends every call with a typed error, and a new port works', async () => {
  const { cid } = await ipfs.add(content(16 * MIB).bytes)
  const reading = digestOf(ipfs.cat(cid), async size => {
    if (size < MIB) await kernel.connection.restart()
  })
  await assert.rejects(within(LIMIT, 'the error', reading), error => typeof error.code === 'string' && error.code.startsWith('ERR_'))
  await kernel.run('%load_ext ipfs_comm')
  const again = IPFSClient.from(await connect(kernel.connection))
  assert.equal((await again.add('after')).size > 0, true)
})

test('a kernel that is killed ends every call with a typed error, and a new port works', async () => {
  const anew = kernel.startedAnew()
  const pid = Number(await kernel.run('import os; print(os.getpid())'))
  const { cid } = await ipfs.add(content(16 * MIB).bytes)
  let killed = false
  const reading = digestOf(ipfs.cat(cid), () => {
    if (!killed) process.kill(pid, 'SIGKILL')
    killed = true
  })
  await assert.rejects(within(LIMIT, 'the error', reading), error => typeof error.code === 'string' && error.code.startsWith('ERR_'))
  await within(LIMIT, 'the new kernel', anew)
  await kernel.run('%load_ext ipfs_comm')
  const again = IPFSClient.from(await connect(kernel.connection))
  assert.equal((await again.add('after')).size > 0, true)
})
