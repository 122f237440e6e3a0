import { Validator } from '@cfworker/json-schema'
import { Validator as OpenApiValidator } from '@seriousme/openapi-schema-validator'
import type { Hono } from 'hono'
import { expect, test } from 'vitest'
import { ExecutionHost } from '../../../src/host/execution-host.ts'
import { ExecutionAccess } from '../../../src/http/routes/execution-access.ts'
import { ExecutionResponses } from '../../../src/http/routes/execution-responses.ts'
import { createAgUiRoutes } from '../../../src/http/routes/ag-ui-routes.ts'
import { createChatRoutes } from '../../../src/http/routes/chat-routes.ts'
import { createPatchRoutes } from '../../../src/http/plans/patch-routes.ts'
import { createPlanRoutes } from '../../../src/http/plans/plan-routes.ts'
import { createExecutionRoutes } from '../../../src/http/routes/execution-routes.ts'
import { createDetailRoutes, createTokenRoutes } from '../../../src/http/routes/detail-routes.ts'
import { createInputRoutes } from '../../../src/http/routes/input-routes.ts'
import { ReadTokens } from '../../../src/http/security/read-tokens.ts'
import { ExecutionStarts } from '../../../src/http/routes/execution-starts.ts'
import { createWorkflowRoutes } from '../../../src/http/routes/workflow-routes.ts'
import { resolveHandlerOptions } from '../../../src/http/options/handler-options.ts'
import { createServiceRoutes } from '../../../src/http/routes/service-routes.ts'
import { openapiDocument } from '../../../src/http/openapi/openapi.ts'
import { handlerRig, ONE_TASK } from '../handler/handler-rig.ts'

interface Operation {
  readonly operationId: string
  readonly parameters?: readonly { name: string; in: string }[]
  readonly responses: Readonly<Record<string, Answer>>
}

interface Answer {
  readonly description: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly content?: Readonly<Record<string, { schema: object }>>
}

type PathItem = Readonly<Record<string, Operation>>

const paths = openapiDocument['paths'] as Readonly<Record<string, PathItem>>
const components = openapiDocument['components'] as { schemas: Readonly<Record<string, object>> }

const operations = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => method !== 'parameters')
    .map(([method, operation]) => ({ path, method: method.toUpperCase(), item, operation })),
)

/** Whatever the document refers to stands in one place. The validator writes into what it is given. */
function conforms(value: unknown, schema: object): boolean {
  return new Validator(structuredClone({ components, ...schema }), '2020-12').validate(value).valid
}

test('a validator that is not ours accepts the document', async () => {
  const { valid, errors } = await new OpenApiValidator().validate(structuredClone(openapiDocument))
  expect(errors).toBeUndefined()
  expect(valid).toBe(true)
})

test('every route is documented, and every documented route exists', () => {
  const options = resolveHandlerOptions({ tools: {} })
  const host = new ExecutionHost(options)
  const responses = new ExecutionResponses(host, options)
  const tokens = new ReadTokens([], () => 0)
  const access = new ExecutionAccess(host, undefined, tokens)
  const starts = new ExecutionStarts(host, responses, access, options)
  const below = (base: string, { routes }: Hono): readonly { readonly method: string; readonly path: string }[] =>
    routes.map(({ method, path }) => ({ method, path: `${base}${path}`.replace(/\/$/, '') }))
  const routes = [
    ...below('/executions', createPlanRoutes(host, responses, access, options)),
    ...below('/executions', createPatchRoutes(host, access)),
    ...below('/executions', createExecutionRoutes(host, responses, access, starts, options)),
    ...below('/workflows', createWorkflowRoutes(starts, options)),
    ...below('/workflows', createChatRoutes(host, responses, access, starts, options)),
    ...below('/workflows', createAgUiRoutes(host, responses, access, starts, options)),
    ...below('', createInputRoutes(host, access, options)),
    ...below('', createDetailRoutes(access, options)),
    ...below('', createTokenRoutes(access, tokens, options.execution.clock)),
    ...below('', createServiceRoutes(host, new Map(), options)),
  ]
  const name = /:(\w+)(?:\{[^}]*\})?/g
  const existing = new Set(routes.map(({ method, path }) => `${method} ${path.replaceAll(name, '{$1}')}`))
  expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([...existing].sort())
})

test('a method that is not documented is not allowed', async () => {
  const { send } = handlerRig()
  for (const [path, item] of Object.entries(paths)) {
    const response = await send('PATCH', path.replaceAll(/\{\w+\}/g, 'x'))
    const allowed = (response.headers.get('allow') ?? '').split(', ').filter(method => method !== 'HEAD')
    const documented = Object.keys(item).filter(name => name !== 'parameters')
    expect([path, response.status, allowed.sort()]).toEqual([
      path,
      405,
      documented.map(name => name.toUpperCase()).sort(),
    ])
  }
})

test('names are unique, references lead somewhere, and the parameters of a path are those that it has', () => {
  const ids = operations.map(({ operation }) => operation.operationId)
  expect(new Set(ids).size).toBe(ids.length)
  const references = JSON.stringify(openapiDocument).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)
  const missing = Array.from(references, match => match[1] as string).filter(name => !(name in components.schemas))
  expect(missing).toEqual([])
  for (const { path, item, operation } of operations) {
    const declared = [
      ...((item['parameters'] ?? []) as unknown as NonNullable<Operation['parameters']>),
      ...(operation.parameters ?? []),
    ]
    const inPath = declared.filter(parameter => parameter.in === 'path').map(({ name }) => `{${name}}`)
    expect(inPath).toEqual(path.match(/\{\w+\}/g) ?? [])
  }
})

test('answers of the server match the document: status, type, headers and body', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const traced = { begin: () => ({ traceparent }), observe: () => undefined }
  const { tool, send, create } = handlerRig({ workflows: { one: ONE_TASK }, observers: [traced] })
  const seen = new Set<string>()
  let isPlan = false
  const expectDocumented = async (response: Response, method: string, path: string): Promise<void> => {
    const { operation } = operations.find(each => each.method === method && each.path === path) ?? {}
    const what = `${method} ${path} ${response.status}`
    seen.add(what)
    const answer = operation?.responses[response.status]
    expect(answer, what).toBeDefined()
    const { headers = {}, content = {} } = answer as Answer
    const missing = Object.keys(headers).filter(name => !response.headers.has(name))
    expect(missing).toEqual('Plan-Line' in headers && !isPlan ? ['Plan-Line'] : [])
    const body = await response.text()
    if (answer?.content === undefined) return expect([what, body]).toEqual([what, ''])
    const type = (response.headers.get('content-type') ?? '').split(';')[0] as string
    expect(Object.keys(content), what).toContain(type)
    const value: unknown = type.endsWith('json') ? JSON.parse(body) : body
    expect([what, conforms(value, content[type]?.schema as object), body]).toEqual([what, true, body])
  }
  const workflow = { tasks: [{ id: 'a/b', tool: 'work' }], output: { of: '$OUTPUT[a/b]' } }
  const running = await create(workflow, { prefer: 'respond-async' })
  const id = running.headers.get('execution-id') as string
  await expectDocumented(running, 'POST', '/executions')
  await expectDocumented(await send('GET', `/executions/${id}`), 'GET', '/executions/{id}')
  await expectDocumented(await send('DELETE', `/executions/${id}`), 'DELETE', '/executions/{id}')
  // Of one that runs it changes nothing.
  await expectDocumented(await send('POST', `/executions/${id}/resume`), 'POST', '/executions/{id}/resume')
  await expectDocumented(await send('GET', '/executions'), 'GET', '/executions')
  const ndjson = { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': 'plan' }
  const plan = await send('POST', '/executions', { headers: ndjson, body: '{"seal": true}\n' })
  isPlan = true
  const { executionId } = (await plan.json()) as { executionId: string }
  await expectDocumented(await send('GET', `/executions/${executionId}`), 'GET', '/executions/{id}')
  const late = { ...ndjson, 'Plan-Line': '3' }
  await expectDocumented(await send('POST', '/executions', { headers: late, body: '' }), 'POST', '/executions')
  isPlan = false
  const result = await create(workflow)
  const stream = await create(workflow, { accept: 'text/event-stream' })
  const calls = await tool.nextCalls('a/b', 'a/b', 'a/b')
  calls[0]?.succeed({ n: 1 })
  calls[1]?.fail(new Error('no'))
  calls[2]?.succeed(null)
  const kept = result.headers.get('execution-id') as string
  await expectDocumented(result, 'POST', '/executions')
  await expectDocumented(stream, 'POST', '/executions')
  const fork = '/executions/{id}/fork'
  await expectDocumented(await send('POST', `/executions/${id}/fork`, { body: {} }), 'POST', fork)
  await expectDocumented(await send('POST', `/executions/${id}/fork`, { body: { from: ['c'] } }), 'POST', fork)
  const event = { 'last-event-id': `${id}.4` }
  await expectDocumented(await create(workflow, event), 'POST', '/executions')
  await expectDocumented(await create({ tasks: [{}] }), 'POST', '/executions')
  await expectDocumented(await create('{'), 'POST', '/executions')
  await expectDocumented(await create(workflow, { accept: 'image/png' }), 'POST', '/executions')
  await expectDocumented(await create(workflow, { 'content-type': 'text/plain' }), 'POST', '/executions')
  await expectDocumented(await create('x'.repeat(1_100_000)), 'POST', '/executions')
  await expectDocumented(await send('GET', `/executions/${id}`), 'GET', '/executions/{id}')
  await expectDocumented(await send('GET', '/executions/none'), 'GET', '/executions/{id}')
  const events = '/executions/{id}/events'
  await expectDocumented(await send('GET', `/executions/${id}/events`), 'GET', events)
  await expectDocumented(await send('GET', `/executions/${id}/events`, { headers: event }), 'GET', events)
  await expectDocumented(await send('GET', `/executions/${id}/events?after=x`), 'GET', events)
  const output = '/executions/{id}/tasks/{taskId}/output'
  await expectDocumented(await send('GET', `/executions/${id}/tasks/a%2Fb/output`), 'GET', output)
  await expectDocumented(await send('GET', `/executions/${id}/tasks/c/output`), 'GET', output)
  await expectDocumented(await send('GET', `/executions/${id}/request`), 'GET', '/executions/{id}/request')
  await expectDocumented(await send('GET', '/executions/none/request'), 'GET', '/executions/{id}/request')
  await expectDocumented(await send('GET', `/executions/${id}/output`), 'GET', '/executions/{id}/output')
  await expectDocumented(await send('GET', '/executions/none/output'), 'GET', '/executions/{id}/output')
  await expectDocumented(await send('POST', `/executions/${id}/cancel`), 'POST', '/executions/{id}/cancel')
  await expectDocumented(await send('POST', `/executions/${id}/resume`), 'POST', '/executions/{id}/resume')
  await expectDocumented(await send('DELETE', `/executions/${id}`), 'DELETE', '/executions/{id}')
  await expectDocumented(await send('GET', '/executions?limit=1'), 'GET', '/executions')
  await expectDocumented(await send('GET', '/executions?limit=0'), 'GET', '/executions')
  const task = '/executions/{id}/tasks/{taskId}'
  await expectDocumented(await send('GET', `/executions/${kept}/tasks/a%2Fb`), 'GET', task)
  await expectDocumented(await send('GET', `/executions/${kept}/tasks/c`), 'GET', task)
  await expectDocumented(await send('GET', `/executions/${kept}/graph`), 'GET', '/executions/{id}/graph')
  const token = '/executions/{id}/token'
  await expectDocumented(await send('POST', `/executions/${kept}/token`), 'POST', token)
  await expectDocumented(await send('POST', `/executions/${kept}/token`, { body: { expiresMs: 0 } }), 'POST', token)
  const asked = await create({ tasks: [{ id: 'a/b', tool: 'work', approve: true }] }, { prefer: 'respond-async' })
  const askedId = asked.headers.get('execution-id') as string
  await tool.idle()
  await expectDocumented(await send('GET', '/inputs'), 'GET', '/inputs')
  await expectDocumented(await send('GET', '/inputs?limit=0'), 'GET', '/inputs')
  await expectDocumented(await send('GET', `/executions/${askedId}/inputs`), 'GET', '/executions/{id}/inputs')
  const added = [{ id: 'e', tool: 'work' }]
  for (const body of [
    {},
    { remove: ['none'] },
    { add: [{ id: 'e', tool: 'wrk' }] },
    { add: added },
    { remove: ['e'] },
  ]) {
    const patched = await send('POST', `/executions/${askedId}/plan`, { body })
    await expectDocumented(patched, 'POST', '/executions/{id}/plan')
  }
  const answer = '/executions/{id}/inputs/{inputId}'
  const bodies = [{}, { response: 'yes' }, { response: true }, { decline: true }]
  for (const body of bodies) {
    const answered = await send('POST', `/executions/${askedId}/inputs/a%2Fb.0`, { body })
    await expectDocumented(answered, 'POST', answer)
  }
  await expectDocumented(await send('POST', `/executions/${askedId}/inputs/none`, { body: bodies[3] }), 'POST', answer)
  const validate = '/workflows/validate'
  await expectDocumented(
    await send('POST', validate, { body: { tasks: [{ id: 'a', tool: 'wrk' }] } }),
    'POST',
    validate,
  )
  const named = '/workflows/{name}/executions'
  const begun = await send('POST', '/workflows/one/executions', { headers: { prefer: 'respond-async' }, body: {} })
  await expectDocumented(begun, 'POST', named)
  await expectDocumented(await send('POST', '/workflows/one/executions', { body: { inputs: 1 } }), 'POST', named)
  await expectDocumented(await send('POST', '/workflows/two/executions', { body: {} }), 'POST', named)
  await tool.succeedAll()
  const turn = { id: 'c', messages: [], threadId: 't', runId: 'r' }
  for (const route of ['chat', 'ag-ui']) {
    const path = `/workflows/{name}/${route}`
    const started = await send('POST', `/workflows/one/${route}`, { body: turn })
    ;(await tool.nextCall('a')).succeed('Hello')
    await tool.idle()
    await expectDocumented(started, 'POST', path)
    await expectDocumented(await send('POST', `/workflows/one/${route}`, { body: {} }), 'POST', path)
    await expectDocumented(await send('POST', `/workflows/two/${route}`, { body: turn }), 'POST', path)
  }
  const resumed = '/workflows/{name}/chat/{chatId}/stream'
  for (const path of ['one/chat/c/stream', 'one/chat/d/stream', 'two/chat/c/stream']) {
    await expectDocumented(await send('GET', `/workflows/${path}`), 'GET', resumed)
  }
  await expectDocumented(await send('GET', '/workflows/one'), 'GET', '/workflows/{name}')
  await expectDocumented(await send('GET', '/workflows/two'), 'GET', '/workflows/{name}')
  for (const path of [
    '/workflows',
    '/workflows/schema',
    '/tools',
    '/workers',
    '/healthz',
    '/metrics',
    '/openapi.json',
  ]) {
    await expectDocumented(await send('GET', path), 'GET', path)
  }
  // Each route was asked, and answered as it should at least once.
  const succeeded = new Set([...seen].filter(what => / 2\d\d$/.test(what)).map(what => what.replace(/ \d+$/, '')))
  expect([...succeeded].sort()).toEqual(operations.map(({ method, path }) => `${method} ${path}`).sort())
})

test('a body of a registered workflow that the server takes is one that the document allows, and the other way round', async () => {
  const { send } = handlerRig({ workflows: { one: ONE_TASK } })
  const post = paths['/workflows/{name}/executions']?.['post'] as unknown as {
    requestBody: { content: { 'application/json': { schema: object } } }
  }
  const { schema } = post.requestBody.content['application/json']
  const options = { maxConcurrency: 1 }
  for (const body of [
    {},
    { input: 1 },
    { options },
    { input: null, options },
    { workflow: ONE_TASK },
    { inputs: 1 },
    [],
  ]) {
    const headers = { prefer: 'respond-async' }
    const { status } = await send('POST', '/workflows/one/executions', { headers, body })
    expect([body, conforms(body, schema)]).toEqual([body, status === 202])
  }
})

test('a body that the server takes is one that the document allows, and the other way round', async () => {
  const { send } = handlerRig()
  const post = paths['/workflows/validate']?.['post'] as unknown as {
    requestBody: { content: Record<string, { schema: object }> }
  }
  const { schema } = post.requestBody.content['application/json'] as { schema: object }
  const workflow = { tasks: [] }
  for (const body of [
    workflow,
    { workflow },
    { workflow, input: 1 },
    { workflow, inputs: 1 },
    { workflow, options: {} },
  ]) {
    const { status } = await send('POST', '/workflows/validate', { body })
    expect([body, conforms(body, schema)]).toEqual([body, status === 200])
  }
})

test('the schema of workflows refers to itself in its place, and has no base of its own', () => {
  const text = JSON.stringify(openapiDocument)
  expect(text).not.toContain('"$ref":"#"')
  expect(text).not.toContain('urn:dagstream:workflow')
  expect(text).toContain('"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/Workflow"}]')
})
