import { describe, expect, test } from 'vitest'
import type { PostgresStore } from '../../src/store/postgres/index.ts'
import { coordinate, join, LONG_MS, makeMessages, namesOf } from '../../src/testing/shared-fixtures.ts'
import { createDatabase, isPostgresMissing } from '../support/postgres.ts'
import { createPostgresFilter } from '../support/postgres-filter.ts'
import { Proxy } from '../support/proxy.ts'
import { afterTest, openHere } from './postgres-rig.ts'

/** A store behind a proxy that loses the answer to one statement. */
async function openLossy(): Promise<{
  store: PostgresStore
  wait: () => Promise<void>
  /** @param isRepeated whether the next answer to it is lost, too */
  lose: (name: string, isRepeated?: () => boolean) => void
}> {
  const url = new URL(await createDatabase())
  const proxy = await Proxy.open(Number(url.port))
  afterTest(async () => proxy.close())
  let lost: string | undefined
  let isLostAgain = (): boolean => false
  proxy.createFilter = () =>
    createPostgresFilter(name => {
      if (name !== lost) return 'pass'
      if (!isLostAgain()) lost = undefined
      return 'answer lost'
    })
  url.port = String(proxy.port)
  const lose = (name: string, isRepeated = (): boolean => false): void => {
    lost = name
    isLostAgain = isRepeated
  }
  return { store: await openHere(url.href), wait: async () => {}, lose }
}

describe.skipIf(isPostgresMissing)('a take whose answer was lost is recognized when it is repeated', () => {
  test('without bounds', async () => {
    const { lose, ...rig } = await openLossy()
    const execution = await coordinate(rig)
    await execution.order('work', ['a', 'b', 'c'])
    const worker = await join(rig, ['work'])
    lose('dagstream_take_freely')
    expect(namesOf(await rig.store.orders.take(worker, 2, LONG_MS))).toEqual(['a', 'b'])
    expect(namesOf(await rig.store.orders.take(worker, 2, LONG_MS))).toEqual(['c'])
  })

  test('with the cancellation of an order that came meanwhile', async () => {
    const { lose, ...rig } = await openLossy()
    const execution = await coordinate(rig)
    await execution.order('work', ['a', 'b'])
    const worker = await join(rig, ['work'])
    const reason = { code: 'CANCELLED', message: 'Stop' } as const
    let isCancelled = false
    lose('dagstream_take_freely', () => {
      lose('dagstream_find_taken', () => !isCancelled)
      return true
    })
    const taken = rig.store.orders.take(worker, 2, LONG_MS)
    // A cancellation before the take would end the order.
    while ((await rig.store.orders.findWaiting([execution.key('a')])).length > 0);
    await rig.store.orders.cancel(execution.key('a'), reason)
    isCancelled = true
    expect(await taken).toMatchObject([{ cancelled: reason }, { command: { taskId: 'b' } }])
    expect((await taken)[1]).not.toHaveProperty('cancelled')
  })

  test('within a limit, which it counts towards once', async () => {
    const { lose, ...rig } = await openLossy()
    const execution = await coordinate(rig)
    await execution.order('work', ['a', 'b', 'c'])
    const worker = await join(rig, [{ name: 'work', limit: 2 }])
    lose('COMMIT')
    expect(namesOf(await rig.store.orders.take(worker, 3, LONG_MS))).toEqual(['a', 'b'])
    expect(await rig.store.orders.take(worker, 1, LONG_MS)).toEqual([])
  })

  test('with the answer to a question of an attempt', async () => {
    const { lose, ...rig } = await openLossy()
    const execution = await coordinate(rig)
    await execution.order('work', ['a'])
    const worker = await join(rig, ['work'])
    await rig.store.orders.take(worker, 1, LONG_MS)
    const question = { kind: 'question', number: 1, message: 'Go?' } as const
    await rig.store.inbox.post(worker, makeMessages(execution.key('a'), [{ type: 'question', question } as never]))
    lose('COMMIT')
    await rig.store.orders.answer(execution.key('a'), [{ number: 1, answer: { status: 'answered', response: 'yes' } }])
    lose('COMMIT')
    expect(await rig.store.orders.take(worker, 1, LONG_MS)).toMatchObject([
      { kind: 'answer', answers: [{ number: 1, answer: { response: 'yes' } }] },
    ])
    expect(await rig.store.orders.take(worker, 1, LONG_MS)).toEqual([])
  })
})
