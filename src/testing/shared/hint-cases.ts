import type { Hint } from '../../cluster/shared-store.ts'
import { expectSame } from '../expectations.ts'
import { hold, LONG_MS, makeMessages, type SharedCheck, type SharedRig } from '../shared-fixtures.ts'
import { makeName } from '../store-fixtures.ts'

/** Requirements on hints. None is required to come. */
export const HINT_CASES: readonly SharedCheck[] = [
  ['hints that come say what they are about, and none comes once their subscription has ended', checkHints],
]

/** How long hints may take, ms of the store's time: a part of it after each step. */
const TURN_MS = 50
const TURNS = 6

const KINDS: readonly string[] = ['log', 'inbox', 'reply', 'orders', 'worker']

async function checkHints(rig: SharedRig): Promise<void> {
  const { hints } = rig.store
  const found: (readonly Hint[] | undefined)[] = []
  const end = await hints.subscribe(given => void found.push(given))
  const endOther = await hints.subscribe(() => {}, ['worker'])
  await changeAll(rig)
  await pass(rig)
  for (const given of found) {
    // Hints may have been lost.
    if (given === undefined) continue
    expectSame('whether hints are a list', Array.isArray(given), true)
    for (const hint of given) expectSame(`whether a hint is one: ${JSON.stringify(hint)}`, isHint(hint), true)
  }
  await end()
  const { length } = found
  await changeAll(rig)
  await pass(rig)
  expectSame('how many hints came after their subscription had ended', found.length - length, 0)
  await endOther()
}

/** Does what others may wait for. */
async function changeAll(rig: SharedRig): Promise<void> {
  const { store } = rig
  const { execution, worker } = await hold(rig)
  const key = execution.key('a')
  await store.inbox.post(worker, makeMessages(key, [{ type: 'token', text: '1' }]))
  await store.orders.cancel(key, { code: 'CANCELLED', message: 'Enough' })
  await store.orders.renew(worker, [key], LONG_MS)
  const commandId = makeName('command')
  await store.inbox.send({ commandId, executionId: execution.executionId, news: { type: 'patch', patch: '[]' } })
  await execution.commit([], { replies: [{ commandId }] })
}

async function pass({ wait }: SharedRig): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await wait(TURN_MS)
}

function isHint(hint: Hint): boolean {
  if (!KINDS.includes(hint.kind)) return false
  if (hint.kind === 'orders') return true
  return typeof (hint.kind === 'worker' ? hint.workerId : hint.executionId) === 'string'
}
