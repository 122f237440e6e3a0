import type { ClientConfig } from 'pg'
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

/**
 * An attempt that is held from now on: the place of its limit, its execution, task and attempt. Or the place of one that is held no
 * more. Flat, since each object of a message costs.
 */
export type RenewalChange = readonly [place: number, executionId: string, taskId: string, attempt: number] | number

/** To the thread. */
export type RenewalCommand =
  /** Memory of further limits. */
  | { readonly type: 'page'; readonly memory: SharedArrayBuffer }
  | { readonly type: 'change'; readonly changes: readonly RenewalChange[] }
  | { readonly type: 'close' }

/** From the thread: a renewal that has something to report. */
export type RenewalReport = RenewedOrders
