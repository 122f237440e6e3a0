import { expect, test } from 'vitest'
import { createClient } from '../../../src/client/index.ts'
import { JsonNumber, stringifyJson } from '../../../src/index.ts'
import { handlerRig, STREAM } from './handler-rig.ts'

const DOCUMENT =
  '{"tasks":[{"id":"a","tool":"pass","arguments":{"id":9007199254740993,"n":"$INPUT"}},' +
  '{"id":"b","tool":"pass","arguments":{"t":"id=${OUTPUT[a].id}","v":"$OUTPUT[a].n"}}]}'
const BODY = `{"workflow":${DOCUMENT},"input":[1e999]}`
const OUTPUT = '"output":{"id":9007199254740993,"n":[1e999]}'

const tools = { pass: { exactNumbers: true, execute: (args: unknown) => args } }

test('a body keeps its digits, in streams, results and outputs', async () => {
  const { create, get } = handlerRig({ tools })
  const result = await (await create(BODY)).text()
  expect(result).toContain(OUTPUT)
  expect(result).toContain('"output":{"t":"id=9007199254740993","v":[1e999]}')
  expect(await (await create(BODY, { Accept: STREAM })).text()).toContain(OUTPUT)
  expect(await (await get('/executions/x1')).text()).toContain(OUTPUT)
  expect(await (await get('/executions/x1/tasks/a/output')).text()).toBe('{"id":9007199254740993,"n":[1e999]}')
  expect(await (await get('/executions/x1/events?format=job')).text()).toContain(OUTPUT)
  // A place ahead of the log is answered with a snapshot.
  const headers = { Accept: STREAM, 'Last-Event-ID': 'x1.999999' }
  expect(await (await get('/executions/x1/events', headers)).text()).toContain(OUTPUT)
})

test('the client sends digits, and gives them in results and events', async () => {
  const { handler } = handlerRig({ tools })
  const client = createClient({ url: 'http://localhost/', fetch: request => handler.fetch(request) })
  const id = new JsonNumber('9007199254740993')
  const workflow = { tasks: [{ id: 'a', tool: 'pass', arguments: { id, given: '$INPUT' } }] }
  const input = new JsonNumber('-1e400')
  const { results } = await client.execute(workflow, { input })
  expect(results[0]?.output).toEqual({ id, given: input })
  const execution = client.stream(workflow, { input })
  const outputs: unknown[] = []
  for await (const event of execution) if (event.type === 'task_complete') outputs.push(event.data.output)
  expect(outputs).toEqual([{ id, given: input }])
  expect(stringifyJson((await execution.result).results[0]?.output)).toBe('{"id":9007199254740993,"given":-1e400}')
})

test.each([
  ['{"tasks":[],"tasks":[]}', '/tasks', 'tasks', 1, 13],
  [`{"workflow":{"tasks":[],\n"tasks":[]}}`, '/tasks', 'tasks', 2, 1],
  [
    '{"workflow":{"tasks":[{"id":"a","tool":"pass","arguments":{"x":[{"k":1,"\\u006b":2}]}}]}}',
    '/tasks/0/arguments/x/0/k',
    'k',
    1,
    72,
  ],
  ['{"tasks":[],"__proto__":1,"__proto__":2}', '/__proto__', '__proto__', 1, 27],
])(
  'a workflow with a key twice is refused, the key and its place named: %s',
  async (body, pointer, key, line, column) => {
    const { create, send } = handlerRig({ tools })
    const message = `The key \`${key}\` is duplicated in one object: again at line ${line}, column ${column}`
    const issues = [{ code: 'DUPLICATE_KEY', pointer, message, hint: 'Keep one of the two', line, column }]
    const response = await create(body)
    expect([response.status, await response.json()]).toEqual([
      422,
      {
        title: 'Invalid workflow',
        status: 422,
        detail: `DUPLICATE_KEY at ${pointer}: ${message}`,
        code: 'INVALID_WORKFLOW',
        issues,
        issueCount: 1,
      },
    ])
    const report = await send('POST', '/workflows/validate', { body })
    expect([report.status, await report.json()]).toEqual([200, { valid: false, issues, issueCount: 1 }])
  },
)

test.each([
  ['{"workflow":{"tasks":[]},"workflow":{"tasks":[]}}', 'workflow', '/workflow', 26],
  ['{"workflow":{"tasks":[]},"input":{"a":1,"a":2}}', 'a', '/input/a', 41],
  ['{"workflow":{"tasks":[]},"options":{"timeoutMs":1,"timeoutMs":2}}', 'timeoutMs', '/options/timeoutMs', 51],
])('an envelope with a key twice is malformed: %s', async (body, key, pointer, column) => {
  const { create } = handlerRig({ tools })
  const response = await create(body)
  expect([response.status, await response.json()]).toEqual([
    400,
    {
      title: 'Bad request',
      status: 400,
      detail: `The key \`${key}\` is duplicated in one object: again at line 1, column ${column} (\`${pointer}\`)`,
      code: 'INVALID_REQUEST',
    },
  ])
})

test('a number that overflows is not an option', async () => {
  const { create } = handlerRig({ tools })
  const response = await create(`{"workflow":${DOCUMENT},"input":1,"options":{"maxConcurrency":1e999}}`)
  expect([response.status, (await response.json()).code]).toEqual([400, 'INVALID_OPTION'])
})
