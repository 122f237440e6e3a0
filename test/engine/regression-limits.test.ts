// A permit of a limit that others share is given back wherever its holder cannot use it.
import { describe, expect, test } from 'vitest'
import { createLimit, createMemoryStore, type ExecutionStore, type Limit, ParallelExecutor } from '../../src/index.ts'
import { type Rig, rig } from '../support/rig.ts'
import { workflow } from '../support/workflows.ts'

const OTHER = workflow({ id: 'other', tool: 'limited' })

/** A task that runs, and one that needs a permit; the execution is held once three events wait for its reader. */
function heldRig(limit: Limit): Rig & { readonly iterator: AsyncIterator<unknown> } {
  const document = workflow('busy', { id: 'waits', tool: 'limited' })
  const options = { tools: { limited: { limit } }, maxConcurrency: 1, buffer: { maxEvents: 3 } }
  const held = rig(document, options)
  return { ...held, iterator: held.execution[Symbol.asyncIterator]() }
}

/** Puts the execution over the bound of its reader. */
async function hold({ iterator, tool }: ReturnType<typeof heldRig>) {
  await iterator.next()
  const busy = await tool.nextCall('busy')
  for (let i = 0; i < 3; i++) busy.context.log('info', 'more')
  await tool.idle()
  return busy
}

async function readOn({ iterator }: ReturnType<typeof heldRig>): Promise<void> {
  while (!(await iterator.next()).done);
}

describe('a held execution', () => {
  test('gives back a permit that it was granted and cannot use: another continues, and later it gets its turn', async () => {
    const limit = createLimit(1)
    const held = heldRig(limit)
    const busy = await hold(held)
    const other = rig(OTHER, { tools: { limited: { limit } } })
    ;(await other.tool.nextCall('other')).succeed()
    expect((await other.execution.result).status).toBe('success')
    busy.succeed()
    await held.tool.idle()
    expect(held.tool.started).toEqual(['busy'])
    const reading = readOn(held)
    ;(await held.tool.nextCall('waits')).succeed()
    await reading
    expect((await held.execution.result).successCount).toBe(2)
  })

  test('passes on a permit that comes while it is held', async () => {
    const limit = createLimit(1)
    const earlier = rig(OTHER, { tools: { limited: { limit } } })
    const call = await earlier.tool.nextCall('other')
    const held = heldRig(limit)
    const busy = await hold(held)
    const later = rig(OTHER, { tools: { limited: { limit } } })
    await later.tool.idle()
    call.succeed()
    ;(await later.tool.nextCall('other')).succeed()
    expect((await later.execution.result).status).toBe('success')
    busy.succeed()
    const reading = readOn(held)
    ;(await held.tool.nextCall('waits')).succeed()
    await reading
    expect((await held.execution.result).successCount).toBe(2)
  })

  test('that is cancelled leaves no permit behind', async () => {
    const limit = createLimit(1)
    const held = heldRig(limit)
    const busy = await hold(held)
    held.execution.cancel()
    busy.fail()
    const { cancelledCount } = await held.execution.result
    const other = rig(OTHER, { tools: { limited: { limit } } })
    ;(await other.tool.nextCall('other')).succeed()
    expect([cancelledCount, (await other.execution.result).status]).toEqual([2, 'success'])
  })
})

test('after a lost store a tool that ignores its abort is abandoned, and its permit given back', async () => {
  const limit = createLimit(1)
  const inner = createMemoryStore()
  let isLost = false
  const store: ExecutionStore = {
    ...inner,
    append(...entries) {
      if (isLost) throw new Error('disk full')
      return inner.append(...entries)
    },
  }
  const lost = rig(OTHER, { tools: { limited: { limit } }, store })
  const ignoring = await lost.tool.nextCall('other')
  isLost = true
  ignoring.context.log('info', 'to be recorded')
  await expect(lost.execution.result).rejects.toMatchObject({ code: 'STORE_FAILED' })
  const other = rig(OTHER, { tools: { limited: { limit } } })
  await lost.clock.run(1999)
  await other.tool.idle()
  expect([ignoring.context.signal.aborted, other.tool.started]).toEqual([true, []])
  await lost.clock.run(1)
  ;(await other.tool.nextCall('other')).succeed()
  expect([(await other.execution.result).status, lost.clock.timerCount]).toEqual(['success', 0])
})

test('a limit that createLimit did not make is refused', () => {
  const made = createLimit(1)
  const lookalikes: unknown[] = [
    { size: 1, acquire: (granted: (release: () => void) => void) => granted(() => {}) },
    { ...made },
    Object.create(made),
    new Proxy(made, {}),
    () => made,
    '1',
  ]
  for (const limit of lookalikes) {
    const tools = { work: { limit: limit as Limit, execute: () => 1 } }
    expect(() => new ParallelExecutor(tools)).toThrow(expect.objectContaining({ code: 'INVALID_TOOL' }))
  }
})
