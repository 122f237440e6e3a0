import type { LogEntry } from '../events/log-entry.ts'
import type { ExecutionStore } from './execution-store.ts'

/** All that a store may have: what is missing here does not compile. */
const METHODS: Readonly<Record<keyof ExecutionStore, true>> = {
  create: true,
  claim: true,
  append: true,
  note: true,
  read: true,
  readBase: true,
  putOutput: true,
  getOutput: true,
  get: true,
  findByKey: true,
  list: true,
  interrupted: true,
  summarize: true,
  delete: true,
  sweep: true,
}

/**
 * The same store, with the methods that it has.
 * @param observe is told what is handed over to be appended; what it returns is called once that is kept, and not if it is not
 */
export function observeAppends(
  store: ExecutionStore,
  observe: (entries: readonly LogEntry[], firstSeq: number) => () => void,
): ExecutionStore {
  const methods = store as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>
  const there = Object.keys(METHODS).filter(name => methods[name] !== undefined)
  const same = Object.fromEntries(there.map(name => [name, (...args: unknown[]) => methods[name]?.(...args)]))
  return {
    ...(same as unknown as ExecutionStore),
    append(lease, firstSeq, entries) {
      const onKept = observe(entries, firstSeq)
      const appended = store.append(lease, firstSeq, entries)
      // One that has answered at once goes on doing so.
      return appended === undefined ? onKept() : appended.then(onKept)
    },
  }
}
