import type { ExecutionStore } from '../../src/store/execution-store.ts'

/**
 * The same store, but every call takes effect and answers some turns of the event loop later, in the order of the calls.
 * How many turns is random, from `random`.
 */
export function answerLater(store: ExecutionStore, random: () => number = Math.random): ExecutionStore {
  let last: Promise<unknown> = Promise.resolve()
  const later = <T>(call: () => T | Promise<T>): Promise<T> => {
    const answer = last.then(async () => {
      await turns(1 + Math.floor(random() * 3))
      const value = await call()
      await turns(Math.floor(random() * 3))
      return value
    })
    last = answer.catch(() => {})
    return answer
  }
  return {
    create: record => later(() => store.create(record)),
    claim: executionId => later(() => store.claim(executionId)),
    append: (lease, firstSeq, entries) => later(() => store.append(lease, firstSeq, entries)),
    read: (executionId, afterSeq, limit) => later(() => store.read(executionId, afterSeq, limit)),
    get: executionId => later(() => store.get(executionId)),
    list: options => later(() => store.list(options)),
    putOutput: (lease, taskId, json) => later(() => store.putOutput(lease, taskId, json)),
    getOutput: (executionId, taskId) => later(() => store.getOutput(executionId, taskId)),
    recall: (key, maxAgeMs) => later(() => store.recall?.(key, maxAgeMs)),
    remember: (key, remembered) => later(() => store.remember?.(key, remembered)),
    forget: () => later(() => store.forget?.() ?? 0),
    delete: executionId => later(() => store.delete(executionId)),
    sweep: () => later(() => store.sweep()),
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve))
}
