export type { Dispatcher } from '../cluster/order.ts'
export type { SharedStore } from '../cluster/shared-store.ts'
export { runWorker } from './run-worker.ts'
export type { WorkerOptions } from './worker-options.ts'
