import { expect, test } from 'vitest'
import type { CommandNews } from '../../src/cluster/inbox.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { outputsOf, SharedRig } from '../support/shared/shared-rig.ts'
import type { TestCoordinator } from '../support/shared/test-coordinator.ts'
import { chain, task } from '../support/workflows.ts'

async function begin(secret = false): Promise<{ rig: SharedRig; tool: ControlledTool; first: TestCoordinator }> {
  const tool = new ControlledTool()
  const ask = {
    execute: async (
      _: unknown,
      context: { ask: (question: { message: string; secret?: boolean }) => Promise<unknown> },
    ) => [await context.ask({ message: 'One?', ...(secret && { secret }) }), await context.ask({ message: 'Two?' })],
  }
  const rig = new SharedRig({ work: { execute: tool.execute }, ask })
  await rig.addWorker()
  return { rig, tool, first: await rig.start({ tasks: [task('a', [], { tool: 'ask' }), task('b', ['a'])] }) }
}

let commandCount = 0

async function send({ store, clock }: SharedRig, news: CommandNews): Promise<string | undefined> {
  const commandId = `c${++commandCount}`
  await store.inbox.send({ commandId, executionId: 'x', news })
  await clock.run(0)
  const reply = await store.inbox.findReply(commandId)
  if (reply === undefined) throw new Error('Expected a reply')
  return reply.error?.code
}

const answer = (inputId: string, response: unknown): CommandNews => ({
  type: 'answer',
  inputId,
  answer: { response },
  by: 'someone',
})

test('questions are answered by commands, each once', async () => {
  const { rig, tool, first } = await begin()
  await rig.clock.run(0)
  expect(await send(rig, answer('a.9', 1))).toBe('INPUT_NOT_FOUND')
  expect(await send(rig, answer('a.1', 1))).toBeUndefined()
  expect(await send(rig, answer('a.1', 2))).toBe('INPUT_CLOSED')
  expect(await send(rig, answer('a.2', { deep: 'é' }))).toBeUndefined()
  ;(await tool.nextCall('b')).succeed()
  expect(await outputsOf(first)).toMatchObject({ a: [1, { deep: 'é' }] })
  const resolved = (await rig.events()).filter(({ type }) => type === 'input_resolved')
  expect(resolved.map(({ data }) => data)).toMatchObject([{ inputId: 'a.1', by: 'someone' }, { inputId: 'a.2' }])
})

test('a declined question fails its task', async () => {
  const { rig, first } = await begin()
  await rig.clock.run(0)
  expect(await send(rig, { type: 'answer', inputId: 'a.1', answer: { decline: true } })).toBeUndefined()
  const { results } = await first.loop.result
  expect(results[0]).toMatchObject({ taskId: 'a', code: 'INPUT_DECLINED' })
})

test('a secret answer and its reply are one commit', async () => {
  const { rig, tool, first } = await begin(true)
  await rig.clock.run(0)
  expect(await send(rig, answer('a.1', 'secret'))).toBeUndefined()
  expect(await send(rig, answer('a.1', 'again'))).toBe('INPUT_CLOSED')
  expect(await send(rig, answer('a.2', 2))).toBeUndefined()
  ;(await tool.nextCall('b')).succeed()
  expect(await outputsOf(first)).toMatchObject({ a: ['secret', 2] })
})

test('an open question stays open over coordinators, and its attempt goes on with the answer', async () => {
  const { rig, tool, first } = await begin()
  await rig.clock.run(0)
  first.kill()
  const second = await rig.takeOver()
  await rig.clock.run(0)
  expect(await send(rig, answer('a.1', 1))).toBeUndefined()
  second?.kill()
  const third = await rig.takeOver()
  await rig.clock.run(0)
  expect(await send(rig, answer('a.2', 2))).toBeUndefined()
  ;(await tool.nextCall('b')).succeed()
  expect(await outputsOf(third)).toMatchObject({ a: [1, 2] })
  expect(await rig.outline('input_required', 'task_start')).toEqual([
    'task_start a',
    'input_required a',
    'input_required a',
    'task_start b',
  ])
})

test('an answer in the log that the worker never got is given by the next coordinator', async () => {
  const { rig, tool, first } = await begin()
  await rig.clock.run(0)
  const { orders } = rig.store
  const given = orders.answer.bind(orders)
  orders.answer = () => Promise.reject(new Error('away'))
  expect(await send(rig, answer('a.1', 1))).toBeUndefined()
  first.kill()
  orders.answer = given
  const second = await rig.takeOver()
  await rig.clock.run(0)
  expect(await send(rig, answer('a.2', 2))).toBeUndefined()
  ;(await tool.nextCall('b')).succeed()
  expect(await outputsOf(second)).toMatchObject({ a: [1, 2] })
})

/** Calls that a test lets go on. */
function hold(): { readonly until: Promise<void>; release: () => void } {
  let release = (): void => {}
  const until = new Promise<void>(resolve => (release = resolve))
  return { until, release: () => release() }
}

test.each<[string, CommandNews]>([
  ['refused', answer('a.9', 1)],
  ['a cancellation', { type: 'cancel', reason: { code: 'CANCELLED', message: 'Enough' } }],
])('a command is replied to once, though its message is read again during the commit: %s', async (_, news) => {
  const { rig, first } = await begin()
  await rig.clock.run(0)
  const { store } = rig
  const replied: string[] = []
  const commit = store.commit.bind(store)
  const committing = hold()
  store.commit = async (lease, firstSeq, entries, round) => {
    replied.push(...round.replies.map(({ commandId }) => commandId))
    await committing.until
    await commit(lease, firstSeq, entries, round)
  }
  await store.inbox.send({ commandId: 'c', executionId: 'x', news })
  await rig.clock.run(0)
  const deliveredAgain = first.loop.deliver()
  await rig.clock.run(0)
  // This one begins before the message is gone, and ends after.
  const read = store.inbox.read.bind(store.inbox)
  const reading = hold()
  store.inbox.read = async (...given) => {
    const found = await read(...given)
    await reading.until
    return found
  }
  const delivered = first.loop.deliver()
  await rig.clock.run(0)
  committing.release()
  await rig.clock.run(0)
  expect(await store.inbox.findReply('c')).toMatchObject({ commandId: 'c' })
  reading.release()
  await Promise.all([delivered, deliveredAgain])
  await rig.clock.run(0)
  expect(replied).toEqual(['c'])
})

test('a command that came before a takeover is obeyed and answered once', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  await rig.addWorker()
  const first = await rig.start(chain(1))
  const call = await tool.nextCall('t0')
  first.kill()
  const reason = { code: 'CANCELLED', message: 'Enough' } as const
  await rig.store.inbox.send({ commandId: 'c', executionId: 'x', news: { type: 'cancel', reason, requestId: 'r' } })
  const second = await rig.takeOver()
  await rig.clock.run(0)
  expect(await rig.store.inbox.findReply('c')).toEqual({ commandId: 'c' })
  expect(call.context.signal.aborted).toBe(true)
  call.fail(new Error('aborted'))
  expect(await second?.loop.result).toMatchObject({ status: 'cancelled' })
  expect(await rig.outline('execution_stopping')).toHaveLength(1)
})
