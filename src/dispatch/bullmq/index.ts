export type { Dispatcher } from '../../cluster/order.ts'
export { type BullmqOptions, openBullmqDispatcher } from './open-dispatcher.ts'
