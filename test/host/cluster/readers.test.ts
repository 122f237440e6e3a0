import { expect, test } from 'vitest'
import { idle } from '../../support/fake-clock.ts'
import { follow, ONE_TASK, seqsOf, STREAM } from '../../http/handler/handler-rig.ts'
import { clusterRig } from './cluster-rig.ts'

const TWO_TASKS = {
  tasks: [
    { id: 'a', tool: 'work' },
    { id: 'b', tool: 'work', dependsOn: ['a'] },
  ],
}

test('a stream at one server resumes at the other one by its last event id, without a gap or a repetition', async () => {
  const rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  const first = await a.follow({ workflow: TWO_TASKS })
  const call = await rig.tool.nextCall('a')
  await idle()
  const lastId = first.messages.at(-1)?.id as string
  await first.leave()
  const second = follow(await b.get('/executions/a1/events', { Accept: STREAM, 'Last-Event-ID': lastId }))
  call.succeed(1)
  ;(await rig.tool.nextCall('b')).succeed(2)
  await second.ended
  const seqs = [...seqsOf(first.messages), ...seqsOf(second.messages)]
  expect(seqs).toEqual(seqs.map((_, at) => at + 1))
  expect(second.messages.at(-1)?.event).toBe('execution_complete')
})

test('any server shows the status, the list and the result of an execution of another one', async () => {
  const rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  await a.begin({ workflow: ONE_TASK })
  const call = await rig.tool.nextCall('a')
  expect(await (await b.get('/executions/a1')).json()).toEqual({ executionId: 'a1', status: 'running' })
  expect(await (await b.get('/executions')).json()).toMatchObject({
    executions: [{ executionId: 'a1', status: 'running' }],
  })
  call.succeed('done')
  await idle()
  expect(await (await b.get('/executions/a1')).json()).toMatchObject({
    status: 'success',
    result: { results: [{ taskId: 'a', output: 'done' }] },
  })
})

test('a request with the key of an execution of another server attaches to it and waits for its result', async () => {
  const rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  const headers = { 'Idempotency-Key': 'k', Accept: 'application/json' }
  const first = await a.create({ workflow: ONE_TASK }, headers)
  const call = await rig.tool.nextCall('a')
  const second = await b.create({ workflow: ONE_TASK }, headers)
  expect(second.headers.get('execution-id')).toBe('a1')
  call.succeed(1)
  const results = await Promise.all([first.json(), second.json()])
  expect(results[1]).toEqual(results[0])
  expect(rig.tool.started).toEqual(['a'])
})

test('a reader of another server receives events without hints, by polling', async () => {
  const rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  rig.store.delayHints(({ kind }) => (kind === 'log' ? undefined : 0))
  await a.begin({ workflow: ONE_TASK })
  await rig.clock.run(1000)
  const call = await rig.tool.nextCall('a')
  const reader = follow(await b.get('/executions/a1/events', { Accept: STREAM }))
  await idle()
  const { length } = reader.messages
  call.succeed(1)
  await idle()
  expect(reader.messages.length).toBe(length)
  await rig.clock.run(3000)
  await reader.ended
  expect(reader.messages.at(-1)?.event).toBe('execution_complete')
})
