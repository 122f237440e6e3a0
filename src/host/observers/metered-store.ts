import type { Clock } from '../../clock.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import { observeAppends } from '../../store/observe-appends.ts'
import type { Meters } from './meters.ts'

/** The same store; what is appended is timed and counted once it is kept. */
export function meterStore(store: ExecutionStore, meters: Meters, clock: Clock): ExecutionStore {
  return observeAppends(store, entries => {
    const startedAt = clock.now()
    return () => meters.appended(entries, clock.now() - startedAt)
  })
}
