import { expectSame } from '../expectations.ts'
import {
  CANCELLED,
  type Coordinated,
  coordinate,
  join,
  LONG_MS,
  makeMessages,
  SHORT_MS,
  type SharedCheck,
  type SharedRig,
  succeed,
} from '../shared-fixtures.ts'
import { makeEnd, makeName } from '../store-fixtures.ts'

/** Requirements on what counts towards limits. */
export const PERMIT_CASES: readonly SharedCheck[] = [
  ['the permit of a tool is free again, however its attempt ended', checkTool],
  ['the permit of an owner is free again, however its attempt ended', checkOwner],
]

interface Holder extends SharedRig {
  readonly execution: Coordinated
  readonly worker: string
}

/** The ways in which an attempt stops counting. */
const ENDS: Readonly<Record<string, (holder: Holder) => Promise<unknown>>> = {
  'it succeeded': ({ store, worker, execution }) =>
    store.inbox.post(worker, makeMessages(execution.key('a'), [succeed()])),
  'it was cancelled': async ({ store, worker, execution }) => {
    await store.orders.cancel(execution.key('a'), { code: 'CANCELLED', message: 'Enough' })
    await store.inbox.post(worker, makeMessages(execution.key('a'), [CANCELLED]))
  },
  'it was given up': ({ store, worker, execution }) => store.orders.interrupt(worker, [execution.key('a')]),
  'it was given back': ({ store, worker, execution }) => store.orders.handBack(worker, [execution.key('a')]),
  'it expired': async ({ store, wait }) => {
    await wait(1.5 * SHORT_MS)
    await store.orders.interruptExpired()
  },
  'its execution ended': ({ execution }) =>
    execution.commit([makeEnd(execution.executionId, execution.lastSeq + 1, 'error')], {}),
  'its execution was deleted': async ({ store, execution }) => store.delete(execution.executionId),
}

async function checkTool(rig: SharedRig): Promise<void> {
  await checkEnds(rig, 1, {})
}

async function checkOwner(rig: SharedRig): Promise<void> {
  await rig.store.members.limitOwners(1)
  try {
    await checkEnds(rig, undefined, { owner: makeName('owner') })
  } finally {
    await rig.store.members.limitOwners(0)
  }
}

async function checkEnds(rig: SharedRig, limit: number | undefined, owned: { readonly owner?: string }): Promise<void> {
  const { orders } = rig.store
  for (const [how, end] of Object.entries(ENDS)) {
    const name = makeName('tool')
    const [execution, other] = [await coordinate(rig, owned), await coordinate(rig, owned)]
    await execution.order(name, ['a'])
    const worker = await join(rig, [{ name, ...(limit !== undefined && { limit }) }])
    expectSame('the number of taken orders', (await orders.take(worker, 5, SHORT_MS)).length, 1)
    await other.order(name, ['b', 'c'])
    expectSame('take() at the limit', await orders.take(worker, 5, LONG_MS), [])
    await end({ ...rig, execution, worker })
    const taken = await orders.take(worker, 5, LONG_MS)
    expectSame(`how many orders are taken after ${how}`, taken.length, 1)
    expectSame(`how many more`, (await orders.take(worker, 5, LONG_MS)).length, 0)
    const keys = taken.flatMap(each => (each.kind === 'start' ? [each.command] : []))
    for (const { executionId, taskId, attempt } of keys)
      await orders.interrupt(worker, [{ executionId, taskId, attempt }])
    await rig.store.delete(other.executionId)
  }
}
