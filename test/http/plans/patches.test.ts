import { expect, test } from 'vitest'
import { handlerRig, type HandlerRig, readProblem } from '../handler/handler-rig.ts'

const DOCUMENT = {
  tasks: [
    { id: 'a', tool: 'work' },
    { id: 'b', tool: 'work', dependsOn: ['a'] },
    { id: 'c', tool: 'work', arguments: { b: '$OUTPUT[b]' } },
  ],
}

const patch = (rig: HandlerRig, body: unknown, headers: Record<string, string> = {}, id = 'x1'): Promise<Response> =>
  rig.send('POST', `/executions/${id}/plan`, { body, headers })

async function refuse(rig: HandlerRig, body: unknown, id?: string): Promise<unknown> {
  const { status, code, detail, issues, taskIds } = await readProblem(await patch(rig, body, {}, id))
  const found = (issues ?? []) as readonly Record<string, unknown>[]
  const places = found.map(({ code: kind, pointer, in: place, line }) => [kind, pointer, place ?? line])
  return [status, code, issues === undefined ? (taskIds ?? detail) : places]
}

test('tasks that have not started are added, removed and replaced, all or nothing', async () => {
  const rig = handlerRig()
  await rig.begin(DOCUMENT)
  const a = await rig.tool.nextCall('a')
  const response = await patch(rig, {
    add: [{ id: 'd', tool: 'work', arguments: { n: 1 }, dependsOn: ['c'] }],
    replace: [{ id: 'b', tool: 'work', arguments: { x: 1 }, dependsOn: ['a'] }],
  })
  expect([response.status, await response.json()]).toEqual([200, { totalTasks: 4 }])
  expect((await patch(rig, { remove: ['d'] })).status).toBe(200)
  a.succeed(1)
  const b = await rig.tool.nextCall('b')
  expect(b.args).toEqual({ x: 1 })
  expect(await refuse(rig, { remove: ['b', 'a', 'none'], add: [{ id: 'e', tool: 'work' }] })).toEqual([
    409,
    'PLAN_CONFLICT',
    ['b', 'a', 'none'],
  ])
  b.succeed(2)
  ;(await rig.tool.nextCall('c')).succeed(3)
  await rig.tool.idle()
  const { result } = (await (await rig.get('/executions/x1')).json()) as {
    result: { results: readonly { taskId: string }[] }
  }
  expect(result.results.map(({ taskId }) => taskId)).toEqual(['a', 'c', 'b'])
  expect((await refuse(rig, { remove: ['c'] })) as unknown[]).toEqual([409, 'EXECUTION_ENDED', expect.any(String)])
  expect(await refuse(rig, { remove: ['c'] }, 'none')).toEqual([404, 'EXECUTION_NOT_FOUND', expect.any(String)])
})

test('a patch is refused with every issue, whose pointers lead into it', async () => {
  const rig = handlerRig()
  await rig.begin({ ...DOCUMENT, finally: [{ id: 'f', tool: 'work' }], output: { c: '$OUTPUT[c]' } })
  await rig.tool.nextCall('a')
  const add = [
    { id: 'd', tool: 'none' },
    { id: 'e', tool: 'work', dependsOn: ['zz'] },
    { id: 'f', tool: 'work' },
  ]
  expect(await refuse(rig, { add, replace: [{ id: 'b', tool: 'work', dependsOn: ['c'] }] })).toEqual([
    422,
    'INVALID_WORKFLOW',
    [
      ['UNKNOWN_TOOL', '/add/0/tool', 1],
      ['UNKNOWN_DEPENDENCY', '/add/1/dependsOn/0', 1],
      ['DUPLICATE_TASK_ID', '/finally/0/id', 'document'],
      ['CYCLE', '/replace/0', 1],
    ],
  ])
  expect(await refuse(rig, { remove: ['c'] })).toEqual([
    422,
    'INVALID_WORKFLOW',
    [['UNKNOWN_REFERENCE', '/output/c', 'document']],
  ])
  expect(await refuse(rig, { remove: ['b', 'b', 1], replace: [{ tool: 'work' }, { id: 'b', tool: 'work' }] })).toEqual([
    422,
    'INVALID_WORKFLOW',
    [
      ['DUPLICATE_TASK_ID', '/remove/1', 1],
      ['INVALID_SHAPE', '/remove/2', 1],
      ['DUPLICATE_TASK_ID', '/replace/1/id', 1],
      ['INVALID_SHAPE', '/replace/0', 1],
    ],
  ])
  expect(await refuse(rig, '{"add": [{"id": "d", "tool": "work", "tool": "work"}]}')).toEqual([
    422,
    'INVALID_WORKFLOW',
    [['DUPLICATE_KEY', '/add/0/tool', 1]],
  ])
  expect(await refuse(rig, { remove: ['f'] })).toEqual([409, 'PLAN_CONFLICT', ['f']])
})

test('a body of another shape, type or size is refused, and nothing changes', async () => {
  const rig = handlerRig()
  await rig.begin(DOCUMENT)
  await rig.tool.nextCall('a')
  for (const body of [{}, [], { add: [] }, { add: {} }, { remove: ['b'], move: [] }, 'no']) {
    expect((await patch(rig, body)).status).toBe(400)
  }
  expect((await patch(rig, '{"remove": ["c"]}', { 'content-type': 'text/plain' })).status).toBe(415)
  expect((await patch(rig, '{"remove": ["c"]}', { 'content-encoding': 'gzip' })).status).toBe(415)
  const large = { add: [{ id: 'd', tool: 'work', arguments: { text: 'x'.repeat(1024 * 1024) } }] }
  expect((await patch(rig, large)).status).toBe(413)
  expect((await patch(rig, { remove: ['c'] })).status).toBe(200)
})

test('numbers of a patch keep their digits', async () => {
  const rig = handlerRig()
  await rig.begin(DOCUMENT)
  ;(await rig.tool.nextCall('a')).succeed(1)
  await rig.tool.nextCall('b')
  await patch(rig, '{"add": [{"id": "d", "tool": "work", "arguments": {"n": 12345678901234567890}}]}')
  await rig.tool.nextCall('d')
  const request = await (await rig.get('/executions/x1/request')).text()
  expect(request).toContain('12345678901234567890')
})

test('`authorize` is asked for the action `plan`, and an execution of another owner looks like none', async () => {
  const asked: unknown[] = []
  const rig = handlerRig({
    authorize: (request, { action, executionId, owner }) => {
      asked.push([action, executionId, owner])
      return { owner: request.headers.get('user') ?? 'ann' }
    },
  })
  await rig.begin(DOCUMENT)
  await rig.tool.nextCall('a')
  expect((await patch(rig, { remove: ['c'] }, { user: 'bob' })).status).toBe(404)
  expect((await patch(rig, { remove: ['c'] })).status).toBe(200)
  expect(asked.slice(1)).toEqual([
    ['plan', 'x1', 'ann'],
    ['plan', 'x1', 'ann'],
  ])
})
