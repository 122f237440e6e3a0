import { expect, test } from 'vitest'
import { createMemoryStore, type ExecutionResult } from '../../../src/index.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { fan } from '../../support/workflows.ts'
import { handlerRig, readMessages, seqsOf, STREAM } from './handler-rig.ts'

// The store keeps 10 events of each; what ends here is held at hand besides, so another handler asks for it.

const COUNT = 40
const TOTAL = 2 * COUNT + 2

/** A finished execution of which the store has only the end. */
async function finish(): Promise<{ rig: ReturnType<typeof handlerRig>; result: ExecutionResult }> {
  const clock = new FakeClock()
  const store = createMemoryStore({ clock, maxTailEvents: 10 })
  const tools = { work: (_: unknown, { taskId }: { taskId: string }): unknown => (taskId === 't3' ? BIG : { taskId }) }
  const first = handlerRig({ store, clock, tools })
  const result = (await (await first.create(fan(COUNT))).json()) as ExecutionResult
  return { rig: handlerRig({ store, clock, tools }), result }
}

const BIG = 'é'.repeat(50_000)

test('the result and all outputs of an execution that is trimmed can be had', async () => {
  const { rig, result } = await finish()
  expect(await (await rig.get('/executions/x1')).json()).toEqual({ executionId: 'x1', status: 'success', result })
  for (let at = 0; at < COUNT; at++) {
    const output = await (await rig.get(`/executions/x1/tasks/t${at}/output`)).json()
    expect(output).toEqual(at === 3 ? BIG : { taskId: `t${at}` })
  }
})

test('a reader from a trimmed position gets a snapshot, then the tail', async () => {
  const { rig } = await finish()
  for (const after of [0, 1, 30, TOTAL - 11]) {
    const [first, ...rest] = await readMessages(await rig.get(`/executions/x1/events?after=x1.${after}`))
    const { seq, status, tasks, counts } = JSON.parse(first?.data as string)
    // All but the last event, which every reader sees as it is.
    expect([first?.event, first?.id, seq, status]).toEqual(['snapshot', `x1.${seq}`, TOTAL - 1, 'running'])
    expect([tasks.length, counts.successCount]).toEqual([COUNT, COUNT])
    expect(rest.map(({ event, id }) => [event, id])).toEqual([['execution_complete', `x1.${TOTAL}`]])
  }
})

test('a reader from a position in the tail gets no snapshot', async () => {
  const { rig } = await finish()
  for (let after = TOTAL - 10; after < TOTAL; after++) {
    const messages = await readMessages(await rig.get(`/executions/x1/events?after=x1.${after}`))
    expect(messages.map(({ event }) => event)).not.toContain('snapshot')
    expect(seqsOf(messages)).toEqual(Array.from({ length: TOTAL - after }, (_, at) => after + at + 1))
  }
  expect((await rig.get(`/executions/x1/events?after=x1.${TOTAL}`)).status).toBe(204)
})

test('a reader that is left behind while it runs gets a snapshot and misses nothing after it', async () => {
  // More than the 50,000 events that the process has at hand, and the first 8 MiB of frames before those.
  const count = 33_000
  const { create, store } = handlerRig({
    tools: { work: () => 'x'.repeat(1000) },
    store: createMemoryStore({ maxTailEvents: 10 }),
    maxConcurrency: 1000,
  })
  const response = await create(fan(count), { Accept: STREAM })
  while ((await store.get('x1'))?.status === 'running') await new Promise(resolve => setImmediate(resolve))
  const messages = await readMessages(response)
  const at = messages.findIndex(({ event }) => event === 'snapshot')
  expect(at).toBeGreaterThanOrEqual(0)
  const seqs = seqsOf(messages)
  expect(messages.filter(({ event }) => event === 'snapshot')).toHaveLength(1)
  expect(seqs.slice(0, at)).toEqual(Array.from({ length: at }, (_, index) => index + 1))
  expect(seqs.at(-1)).toBe(2 * count + 2)
  for (let index = at + 1; index < seqs.length; index++) expect(seqs[index]).toBe((seqs[index - 1] as number) + 1)
})
