import { expect } from 'vitest'
import type { Hint } from '../../src/cluster/shared-store.ts'
import { hold, LONG_MS, makeMessages, type SharedRig, succeed } from '../../src/testing/shared-fixtures.ts'
import { makeName } from '../../src/testing/store-fixtures.ts'

/** Throws unless each kind of hint comes within 5 s of the store's time. A store need not give any: this is for our own ones. */
export async function expectHints(rig: SharedRig): Promise<void> {
  const { store } = rig
  const found: string[] = []
  /** The store does not know which hints were lost. */
  const blind = new Set<true>()
  const note = (hint: Hint): void => {
    const id = 'executionId' in hint ? hint.executionId : 'workerId' in hint ? hint.workerId : ''
    found.push(`${hint.kind} ${id}`)
  }
  const end = await store.hints.subscribe(hints => {
    if (hints === undefined) blind.add(true)
    else for (const hint of hints) note(hint)
  })
  const { execution, worker } = await hold(rig)
  const { executionId } = execution
  const exchanging = await hold(rig)
  await store.exchange?.(exchanging.worker, makeMessages(exchanging.execution.key('a'), [succeed()]), 1, LONG_MS)
  await store.inbox.post(worker, makeMessages(execution.key('a'), [{ type: 'token', text: '1' }]))
  await store.orders.cancel(execution.key('a'), { code: 'CANCELLED', message: 'Enough' })
  const command = { commandId: makeName('command'), executionId }
  await store.inbox.send({ ...command, news: { type: 'patch', patch: '[]' } })
  await execution.commit([], { replies: [{ commandId: command.commandId }] })
  const expected = [`log ${executionId}`, 'orders ', `inbox ${executionId}`, `worker ${worker}`, `reply ${executionId}`]
  if (store.exchange !== undefined) expected.push(`inbox ${exchanging.execution.executionId}`)
  const missing = (): string[] => expected.filter(each => !found.includes(each))
  for (let turn = 0; turn < 100 && blind.size === 0 && missing().length > 0; turn++) await rig.wait(50)
  await end()
  if (blind.size === 0) expect(missing()).toEqual([])
}
