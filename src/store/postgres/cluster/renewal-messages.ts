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

/** An attempt that is held from now on, with the place of its limit, or no more. */
export type RenewalChange =
  | { readonly type: 'begin'; readonly key: AttemptKey; readonly place: number }
  | { readonly type: 'end'; readonly key: AttemptKey }

/** To the thread. */
export type RenewalCommand =
  /** Memory of further limits. */
  | { readonly type: 'page'; readonly memory: SharedArrayBuffer }
  | { readonly type: 'change'; readonly changes: readonly RenewalChange[] }
  | { readonly type: 'close' }

/** From the thread: a renewal that has something to report. */
export type RenewalReport = RenewedOrders
