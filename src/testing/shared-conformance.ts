import { systemClock } from '../clock.ts'
import type { SharedStore } from '../cluster/shared-store.ts'
import { sleep } from '../sleep.ts'
import { EXCHANGE_CASES } from './shared/exchange-cases.ts'
import { EXCHANGE_LIMIT_CASES } from './shared/exchange-limit-cases.ts'
import { HELD_ORDER_CASES } from './shared/held-order-cases.ts'
import { HINT_CASES } from './shared/hint-cases.ts'
import { INBOX_CASES } from './shared/inbox-cases.ts'
import { KEY_CASES } from './shared/key-cases.ts'
import { LEASE_CASES } from './shared/lease-cases.ts'
import { LIMIT_CASES } from './shared/limit-cases.ts'
import { MEMBER_CASES } from './shared/member-cases.ts'
import { ORDER_CASES } from './shared/order-cases.ts'
import { PERMIT_CASES } from './shared/permit-cases.ts'
import { RENEWAL_CASES } from './shared/renewal-cases.ts'
import { ROUND_CASES } from './shared/round-cases.ts'
import { TAKEOVER_CASES } from './shared/takeover-cases.ts'
import { WAITING_ORDER_CASES } from './shared/waiting-order-cases.ts'
import type { SharedCheck } from './shared-fixtures.ts'
import type { StoreCase } from './store-conformance.ts'

const SHARED_CASES: readonly SharedCheck[] = [
  ...LEASE_CASES,
  ...TAKEOVER_CASES,
  ...MEMBER_CASES,
  ...INBOX_CASES,
  ...ROUND_CASES,
  ...HINT_CASES,
]

const DISPATCHER_CASES: readonly SharedCheck[] = [
  ...ORDER_CASES,
  ...LIMIT_CASES,
  ...PERMIT_CASES,
  ...HELD_ORDER_CASES,
  ...EXCHANGE_CASES,
  ...EXCHANGE_LIMIT_CASES,
  ...KEY_CASES,
  ...WAITING_ORDER_CASES,
  ...RENEWAL_CASES,
]

/** How a shared store is tested. */
export interface SharedTestOptions {
  /** Lets the time of the store pass. @defaultValue waits on the clock of the machine */
  readonly wait?: (ms: number) => Promise<void>
}

type CreateStore = () => SharedStore | Promise<SharedStore>

/**
 * The conformance suite of the leases, the inbox and the members of a `SharedStore`, as cases for any test runner. Run
 * `testStore` and `testDispatcher` for it, too.
 *
 * Every case uses names of its own, so `createStore` may return the same store repeatedly; it need not be empty. Run the cases
 * one after another: some change the whole store. Each takes up to 5 s of the store's time.
 *
 * @example for (const { name, run } of testSharedStore(createMyStore)) test(name, run)
 */
export function testSharedStore(createStore: CreateStore, options: SharedTestOptions = {}): readonly StoreCase[] {
  return toCases(SHARED_CASES, createStore, options)
}

/**
 * The conformance suite of the orders of a `SharedStore`, and so of a dispatcher between it and its workers. See
 * `testSharedStore`.
 */
export function testDispatcher(createStore: CreateStore, options: SharedTestOptions = {}): readonly StoreCase[] {
  return toCases(DISPATCHER_CASES, createStore, options)
}

function toCases(checks: readonly SharedCheck[], createStore: CreateStore, options: SharedTestOptions): StoreCase[] {
  const wait = options.wait ?? ((ms: number): Promise<void> => sleep(systemClock, ms))
  return checks.map(([name, check]) => ({
    name,
    run: async () => check({ store: await createStore(), wait }),
  }))
}
