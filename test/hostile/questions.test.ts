// What users of other systems have reported of questions, resets and forks.
import { expect, test } from 'vitest'
import { createMemoryStore, type SSEEvent, StreamingExecutor, type ToolContext } from '../../src/index.ts'
import { idle } from '../support/fake-clock.ts'
import { collectEvents } from '../support/rig.ts'
import { handlerRig } from '../http/handler/handler-rig.ts'

const tools = {
  work: { execute: (_: unknown, { taskId }: ToolContext) => taskId },
  loop: {
    execute: async (_: unknown, { ask }: ToolContext) => {
      const given: unknown[] = []
      for (let at = 0; at < 3; at++) given.push(await ask({ message: `Step ${at}?` }))
      return given
    },
  },
  both: {
    execute: (_: unknown, { ask }: ToolContext) => Promise.all([ask({ message: 'Left?' }), ask({ message: 'Right?' })]),
  },
}

/** The ids of the questions that are open after these events. */
function openOf(events: readonly SSEEvent[]): string[] {
  const closed = new Set(events.flatMap(({ type, data }) => (type === 'input_resolved' ? [data.inputId] : [])))
  const asked = events.flatMap(({ type, data }) => (type === 'input_required' ? [data.inputId] : []))
  return asked.filter(inputId => !closed.has(inputId)).sort()
}

test('of many answers to one question at once exactly one counts', async () => {
  const rig = handlerRig({ tools })
  await rig.begin({ tasks: [{ id: 'a', tool: 'both' }] })
  await idle()
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, at) => {
      const reply = await rig.send('POST', '/executions/x1/inputs/a.1', { body: { response: at } })
      return reply.status === 204 ? at : ((await reply.json()) as { code: string }).code
    }),
  )
  const counted = answers.filter(each => typeof each === 'number')
  expect([counted.length, answers.filter(each => each === 'INPUT_CLOSED').length]).toEqual([1, 19])
  await rig.send('POST', '/executions/x1/inputs/a.2', { body: { response: 'r' } })
  await idle()
  expect(await (await rig.get('/executions/x1/tasks/a/output')).json()).toEqual([counted[0], 'r'])
})

test('questions of a fork are its own: answers of the old execution are not taken, nor the other way round', async () => {
  const store = createMemoryStore()
  const executor = new StreamingExecutor(tools, { store })
  const document = {
    tasks: [
      { id: 'pre', tool: 'work' },
      { id: 'l', tool: 'loop', dependsOn: ['pre'] },
      { id: 'b', tool: 'both', dependsOn: ['pre'] },
    ],
  }
  const old = executor.stream(document)
  const oldEvents = collectEvents(old)
  await idle()
  await old.answer('l.1', 'old')
  await old.answer('b.2', 'old')
  const fork = await executor.fork(old.executionId)
  const forkEvents = collectEvents(fork)
  await idle()
  expect([openOf(oldEvents), openOf(forkEvents)]).toEqual([
    ['b.1', 'l.2'],
    ['b.1', 'b.2', 'l.1'],
  ])
  for (const inputId of ['b.2', 'l.1', 'b.1', 'l.2', 'l.3']) {
    await fork.answer(inputId, `new ${inputId}`)
    await idle()
  }
  const { results } = await fork.result
  expect(results.map(({ output, attempts }) => [output, attempts])).toEqual([
    ['pre', 0],
    [['new l.1', 'new l.2', 'new l.3'], 1],
    [['new b.1', 'new b.2'], 1],
  ])
  expect(openOf(oldEvents)).toEqual(['b.1', 'l.2'])

  // A task that runs again asks again, also in a fork of a fork.
  const again = await executor.fork(fork.executionId, { from: ['l'] })
  const againEvents = collectEvents(again)
  await idle()
  expect(openOf(againEvents)).toEqual(['l.1'])
  for (const execution of [old, again]) execution.cancel()
  const ends = await Promise.all([old.result, again.result])
  expect(ends.map(({ results: all }) => all.map(({ status }) => status))).toEqual([
    ['success', 'cancelled', 'cancelled'],
    ['success', 'cancelled', 'success'],
  ])
  expect([openOf(oldEvents), openOf(againEvents)]).toEqual([[], []])
})
