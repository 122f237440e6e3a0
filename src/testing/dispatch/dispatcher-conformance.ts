import type { StoreCase } from '../store-conformance.ts'
import { KEY_DISPATCHER_CASES } from './dispatcher-cases.ts'
import { type CreateDispatcher, type KeyDispatcherTestOptions, KeyRig } from './key-rig.ts'

/**
 * The conformance suite of a `Dispatcher` that carries keys of orders beside the store, as cases for any test runner. It needs no
 * store. The cases take real time, up to 3 s each; they may run at once, unless their dispatchers share a queue.
 *
 * @param createDispatcher opens a dispatcher as one more process on the same queue; called several times by each case, which
 * closes all of them. Other keys on the queue are answered with `gone`
 * @example for (const { name, run } of testKeyDispatcher(() => openMyDispatcher(url))) test(name, run)
 */
export function testKeyDispatcher(
  createDispatcher: CreateDispatcher,
  options: KeyDispatcherTestOptions = {},
): readonly StoreCase[] {
  return KEY_DISPATCHER_CASES.map(([name, check]) => ({
    name,
    run: () => KeyRig.run(createDispatcher, check, options),
  }))
}
