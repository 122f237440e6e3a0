import { createHandler } from 'dagstream/http'
import { expect, test } from 'vitest'
import { parseData } from '../request-rig.ts'
import { follow, handlerRig, readProblem } from '../handler/handler-rig.ts'
import { idle } from '../../support/fake-clock.ts'
import { HeldBody, sendPlan } from './held-body.ts'
import { line } from './plan-client.ts'

const tools = { work: { readOnly: true, execute: (args: unknown) => args }, save: () => 'saved' }

test('what is wrong with the request or its first line is refused before anything starts', async () => {
  const rig = handlerRig({ tools, maxConcurrency: 4, onDisconnect: { graceMs: 1000 } })
  const cases: [string, Record<string, string>, number, string][] = [
    ['{"schedule": "layers"}\n', {}, 400, 'INVALID_OPTION'],
    ['{"maxConcurrency": 5}\n', {}, 400, 'INVALID_OPTION'],
    ['{"maxConcurency": 2}\n', {}, 400, 'INVALID_OPTION'],
    ['{"eager": "always"}\n', {}, 400, 'INVALID_OPTION'],
    ['{"onDisconnect": {"graceMs": 2000}}\n', {}, 400, 'INVALID_OPTION'],
    ['{"onDisconnect": "never"}\n', {}, 400, 'INVALID_OPTION'],
    ['{"name": 7}\n', {}, 422, 'INVALID_WORKFLOW'],
    [line('a'), { 'Plan-Line': '1' }, 400, 'INVALID_REQUEST'],
    [line('a'), { 'Plan-Line': '-1', 'Idempotency-Key': 'k' }, 400, 'INVALID_REQUEST'],
    [line('a'), { 'Plan-Line': '1', 'Idempotency-Key': 'k' }, 409, 'PLAN_LINE_MISMATCH'],
    [line('a'), { 'Idempotency-Key': 'ä' }, 400, 'INVALID_REQUEST'],
    [line('a'), { 'Last-Event-ID': 'x9.1' }, 404, 'EXECUTION_NOT_FOUND'],
    [line('a'), { 'Last-Event-ID': 'x9.1', 'Idempotency-Key': 'k' }, 404, 'EXECUTION_NOT_FOUND'],
    [line('a'), { 'Content-Length': String(65 * 1024 * 1024) }, 413, ''],
    [line('a'), { 'Content-Encoding': 'gzip' }, 415, ''],
    [line('a'), { Accept: 'image/png' }, 406, ''],
  ]
  for (const [body, headers, status, code] of cases) {
    const problem = await readProblem(await sendPlan(rig, body, headers))
    expect([body, headers, problem.status, problem.code ?? '']).toEqual([body, headers, status, code])
  }
  const { executions } = (await (await rig.get('/executions')).json()) as { executions: unknown[] }
  expect(executions).toEqual([])
})

test('only this type, and only on this route, is a plan', async () => {
  const { send } = handlerRig({ tools })
  for (const [path, type] of [
    ['/executions', 'application/ndjson'],
    ['/executions', 'text/plain'],
    ['/executions', 'application/x-www-form-urlencoded'],
    ['/executions', 'application/x-ndjsonp'],
    ['/workflows/validate', 'application/x-ndjson'],
  ] as const) {
    const problem = await readProblem(await send('POST', path, { headers: { 'Content-Type': type }, body: line('a') }))
    expect(problem.status).toBe(415)
  }
  const hint = await readProblem(
    await send('POST', '/executions', { headers: { 'Content-Type': 'application/jsonl' }, body: line('a') }),
  )
  expect(hint.detail).toContain('application/x-ndjson')
  const charset = await send('POST', '/executions', {
    headers: { 'Content-Type': 'application/x-ndjson; charset=utf-8' },
    body: line('a'),
  })
  expect(await charset.json()).toMatchObject({ status: 'success', totalTasks: 1 })
})

test('a runtime that cannot read a body as it arrives says so', async () => {
  const { handler } = handlerRig({ tools })
  const request = new Request('http://localhost/executions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson' },
    body: line('a'),
  })
  Object.defineProperty(request, 'body', { value: undefined })
  const problem = await readProblem(await handler.fetch(request))
  expect([problem.status, problem.code]).toEqual([415, 'STREAMING_UNSUPPORTED'])
})

test('a first line that does not come is refused', async () => {
  const rig = handlerRig({ tools, planSilenceMs: 5000 })
  const silent = sendPlan(rig, new HeldBody().write('{"name": '))
  await rig.clock.run(5000)
  expect(await readProblem(await silent)).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
  const body = new HeldBody().write('{"name": ')
  const broken = sendPlan(rig, body)
  await idle()
  body.break()
  expect(await readProblem(await broken)).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
  expect(rig.clock.timerCount).toBe(0)
})

test('`authorize` is asked for `create`, and its refusal precedes the body', async () => {
  const asked: unknown[] = []
  const handler = createHandler({
    tools,
    authorize: (request, context) => {
      asked.push(context)
      return request.headers.has('authorization') ? { owner: 'ann' } : new Response('no', { status: 401 })
    },
  })
  const body = new HeldBody()
  expect((await sendPlan({ handler }, body)).status).toBe(401)
  expect(asked).toEqual([{ action: 'create' }])
  const mine = await sendPlan({ handler }, `{"seal": true}\n`, { Authorization: 'Bearer x', 'Idempotency-Key': 'k' })
  expect(parseData(await mine.text()).at(-1)).toMatchObject({ status: 'success', totalTasks: 0 })
  await handler.close()
})

test('lying planners get the line and the reason, as often as `skip` allows', async () => {
  const deep = `{"id": "deep", "tool": "work", "arguments": {"a": ${'['.repeat(400_000)}${']'.repeat(400_000)}}}`
  const lies: [string, string][] = [
    ['garbage', 'INVALID_SHAPE'],
    ['```json', 'INVALID_SHAPE'],
    ['[]', 'INVALID_SHAPE'],
    ['null', 'INVALID_SHAPE'],
    ['{"id": "a", "tool": "work"}', 'DUPLICATE_TASK_ID'],
    ['{"id": "x", "id": "y", "tool": "work"}', 'DUPLICATE_KEY'],
    ['{"id": "x", "tool": "wrok"}', 'UNKNOWN_TOOL'],
    ['{"id": "x", "tool": "work", "dependsOn": ["later"]}', 'FORWARD_DEPENDENCY'],
    ['{"id": "x", "tool": "work", "dependsOn": ["x"]}', 'SELF_DEPENDENCY'],
    ['{"id": "x", "tool": "work", "arguments": {"of": "$OUTPUT[later]"}}', 'FORWARD_DEPENDENCY'],
    [`{"id": "x", "tool": "work", "arguments": "${'x'.repeat(1024 * 1024)}"}`, 'LIMIT_EXCEEDED'],
    ['{"seal": true, "and": 1}', 'INVALID_SHAPE'],
    ['{"seal": "true"}', 'INVALID_SHAPE'],
    [deep, 'LIMIT_EXCEEDED'],
  ]
  const text = [`{"onPlanError": "skip"}`, line('a').trim(), ...lies.map(([lie]) => lie), line('z'), ''].join('\n')
  const { messages, ended } = follow(await sendPlan(handlerRig({ tools }), text))
  await ended
  const rejected = messages
    .filter(({ event }) => event === 'plan_rejected')
    .map(({ data }) => JSON.parse(data) as Rejected)
  expect(rejected.map(({ line, issues }) => [line, issues[0]?.code])).toEqual(
    lies.map(([, code], at) => [at + 3, code]),
  )
  expect(JSON.parse(messages.at(-1)?.data ?? '')).toMatchObject({ status: 'success', totalTasks: 2 })
})

interface Rejected {
  readonly line: number
  readonly issues: readonly { readonly code: string }[]
}

test('a line without an end is bounded by the size of a plan', async () => {
  const rig = handlerRig({ tools })
  const body = new HeldBody()
  const following = follow(await sendPlan(rig, body.write(line('a'))))
  const chunk = 'x'.repeat(64 * 1024)
  for (let count = 0; count < 63 * 16; count++) body.write(chunk)
  await idle()
  expect(body.isCancelled).toBe(false)
  for (let count = 0; count < 32; count++) body.write(chunk)
  await following.ended
  expect(JSON.parse(following.messages.at(-1)?.data ?? '')).toMatchObject({ reason: { code: 'PLAN_REJECTED' } })
  expect(body.isCancelled).toBe(true)
})

test.each([
  [
    `[${line('a').trim()}]`,
    'Expected a task to be an object, got array',
    'Write one task per line, without brackets around them',
  ],
  [
    '[\n',
    'Expected the line to be JSON: it is not at column 2',
    'Write one task per line, without brackets around them',
  ],
  ['{\n"id":"a"}', 'Expected the line to be JSON: it is not at column 2', 'Write each task on one line'],
  [
    `${line('a').trim()},\n`,
    'Expected the line to be JSON: it is not at column 25',
    'Leave out the comma behind the task',
  ],
  ['null', 'Expected a task to be an object, got null', undefined],
  [line('b', { dependsOn: ['a'] }), 'There is no earlier task `a`', 'There are no earlier tasks'],
])('the line %j is refused with what was expected, and how to mend it', async (text, message, hint) => {
  const { messages, ended } = follow(await sendPlan(handlerRig({ tools }), text))
  await ended
  const rejected = messages.find(({ event }) => event === 'plan_rejected')
  const { issues } = JSON.parse(rejected?.data ?? '{}') as { issues: { message: string; hint?: string }[] }
  expect([issues[0]?.message, issues[0]?.hint]).toEqual([message, hint])
})
