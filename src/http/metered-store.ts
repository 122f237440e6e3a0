import type { Clock } from '../clock.ts'
import type { ExecutionStore } from '../store/execution-store.ts'
import type { Meters } from './meters.ts'

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
  delete: true,
  sweep: true,
}

/** The same store, with the methods that it has; what is appended is timed and counted once it is kept. */
export function meterStore(store: ExecutionStore, meters: Meters, clock: Clock): ExecutionStore {
  const methods = store as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>
  const there = Object.keys(METHODS).filter(name => methods[name] !== undefined)
  const same = Object.fromEntries(there.map(name => [name, (...args: unknown[]) => methods[name]?.(...args)]))
  return {
    ...(same as unknown as ExecutionStore),
    append(lease, firstSeq, entries) {
      const startedAt = clock.now()
      const count = (): void => meters.appended(entries, clock.now() - startedAt)
      const appended = store.append(lease, firstSeq, entries)
      return appended === undefined ? count() : appended.then(count)
    },
  }
}
