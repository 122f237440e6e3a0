// Tools with unhandled errors.
import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

// One comes while the module is loaded.
void Promise.reject(new Error('rejected by the module'))
await sleep(1)

const throwIn = (schedule, message) =>
  schedule(() => {
    throw new Error(message)
  })

// oxlint-disable-next-line import/no-default-export -- what `--tools` takes
export default {
  throwLater: () => void throwIn(setTimeout, 'thrown later'),
  rejectLater: () => {
    void Promise.reject(new Error('rejected later'))
    return 'done'
  },
  async throwWhileCalled() {
    throwIn(setTimeout, 'thrown while called')
    throwIn(setImmediate, 'thrown in an immediate')
    throwIn(queueMicrotask, 'thrown in a microtask')
    throwIn(call => process.nextTick(call), 'thrown in a tick')
    setTimeout(() => new EventEmitter().emit('error', new Error('emitted')))
    void Promise.reject(undefined)
    await sleep(20)
    return 'went on'
  },
  async throwOften() {
    for (let count = 0; count < 500; count++) throwIn(setImmediate, `fault ${count} ${'x'.repeat(10_000)}`)
    await sleep(20)
    return 'went on'
  },
  throwAtEnd() {
    process.on('exit', () => {
      throw new Error('thrown at the end')
    })
    setInterval(() => {
      throw new Error('thrown again and again')
    }, 1)
    return 'done'
  },
}
