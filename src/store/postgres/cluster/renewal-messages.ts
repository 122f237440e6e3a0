import type { ClientConfig } from 'pg'
import type { AttemptKey } from '../../../attempt/runner.ts'
import type { RenewedOrders } from '../../../cluster/order.ts'

/** What the thread is started with. */
export interface RenewalData {
  readonly config: ClientConfig
  readonly workerId: string
  readonly ttlMs: number
  /** One integer, which each turn of the event loop changes. */
  readonly pulse: SharedArrayBuffer
  readonly pulseMs: number
}

/** To the thread. */
export type RenewalCommand =
  | { readonly type: 'begin'; readonly key: AttemptKey; readonly limitMs: number }
  | { readonly type: 'end'; readonly key: AttemptKey }
  | { readonly type: 'close' }

/** From the thread: a renewal that has something to report. */
export type RenewalReport = RenewedOrders
