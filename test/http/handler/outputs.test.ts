import { describe, expect, test } from 'vitest'
import { handlerRig, ONE_TASK, readProblem, STREAM } from './handler-rig.ts'

describe('an output', () => {
  const odd = [
    'a/b',
    '100%',
    '%2F',
    'naïve 日本',
    '"quoted" & \'so\'',
    'a?b#c',
    'a b+c',
    '..x',
    'output',
    'tasks/a/output',
  ]

  test.each(odd)('of the task %j is the bare value', async id => {
    const { create, get } = handlerRig({ tools: { work: () => ({ of: id }) } })
    await (await create({ tasks: [{ id, tool: 'work' }] })).text()
    const response = await get(`/executions/x1/tasks/${encodeURIComponent(id)}/output`)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(await response.json()).toEqual({ of: id })
  })

  test.each(odd)('over 64 KiB of the task %j is at the path of its event', async id => {
    const { create, get } = handlerRig({ tools: { work: () => 'é'.repeat(70_000) } })
    const events = await (await create({ tasks: [{ id, tool: 'work' }] }, { Accept: STREAM })).text()
    const data = events.split('\n').find(line => line.includes('"outputPath"')) as string
    const { outputPath, outputBytes } = JSON.parse(data.slice('data: '.length)) as Record<string, string>
    expect(outputBytes).toBe(140_002)
    expect(await (await get(outputPath as string)).json()).toBe('é'.repeat(70_000))
  })

  test.each([null, 0, false, '', [], {}, 'text'])('%j is reported as it is', async value => {
    const { create, get } = handlerRig({ tools: { work: () => value } })
    await (await create(ONE_TASK)).text()
    expect(await (await get('/executions/x1/tasks/a/output')).text()).toBe(JSON.stringify(value))
  })

  test('that is not there yet, of a task that failed, or of none is answered with 404', async () => {
    const { create, get, tool } = handlerRig()
    const response = await create(ONE_TASK)
    const call = await tool.nextCall('a')
    const ask = async (taskId: string): Promise<unknown> =>
      (await readProblem(await get(`/executions/x1/tasks/${taskId}/output`))).code
    expect([await ask('a'), await ask('b'), await ask('constructor')]).toEqual(new Array(3).fill('OUTPUT_NOT_FOUND'))
    call.fail()
    await response.text()
    expect(await ask('a')).toBe('OUTPUT_NOT_FOUND')
  })

  test('is there as soon as its task has ended, while others run', async () => {
    const { begin, get, tool } = handlerRig()
    await begin({ tasks: [ONE_TASK.tasks[0], { id: 'b', tool: 'work' }] })
    ;(await tool.nextCall('a')).succeed([1])
    await tool.idle()
    expect(await (await get('/executions/x1/tasks/a/output')).json()).toEqual([1])
  })

  test('of a path that is not percent-encoded UTF-8 is answered with 400', async () => {
    const { create, get } = handlerRig({ tools: { work: () => 1 } })
    await (await create(ONE_TASK)).text()
    for (const segment of ['%', '%zz', '%ff', '%C3']) {
      expect((await readProblem(await get(`/executions/x1/tasks/${segment}/output`))).status).toBe(400)
    }
  })
})

describe('outputs of children and of the workflow', () => {
  const nested = {
    tasks: [
      {
        id: 'label',
        forEach: [1, 2],
        workflow: { tasks: [{ id: 'fetch', tool: 'work', arguments: { n: '$INPUT.n' } }] },
        arguments: { n: '$ITEM' },
      },
    ],
    output: { all: '$OUTPUT[label]' },
  }
  const pad = 'é'.repeat(40_000)

  test('are at the paths that their events name, with every id percent-encoded', async () => {
    const { create, get } = handlerRig({ tools: { work: ({ n }) => ({ n, pad }) } })
    const events = await (await create(nested, { Accept: STREAM })).text()
    const paths = Array.from(events.matchAll(/"outputPath":"([^"]+)"/g), match => match[1] as string)
    expect(paths.toSorted()).toEqual([
      '/executions/x1/output',
      '/executions/x1/tasks/label%5B0%5D%2Ffetch/output',
      '/executions/x1/tasks/label%5B0%5D/output',
      '/executions/x1/tasks/label%5B1%5D%2Ffetch/output',
      '/executions/x1/tasks/label%5B1%5D/output',
      '/executions/x1/tasks/label/output',
    ])
    const [whole, child, item] = await Promise.all(paths.toSorted().map(async path => (await get(path)).json()))
    expect(child).toEqual({ n: 1, pad })
    expect(item).toEqual({ fetch: child })
    expect(whole).toEqual({ all: [item, { fetch: { n: 2, pad } }] })
  })

  test('of an execution that has none is answered with 404, before its end too', async () => {
    const { create, get, tool } = handlerRig()
    const ask = async (id: string): Promise<unknown> => (await readProblem(await get(`/executions/${id}/output`))).code
    const responses = [await create(ONE_TASK), await create({ ...ONE_TASK, output: '$OUTPUT[a].n' })]
    const calls = await tool.nextCalls('a', 'a')
    expect([await ask('x1'), await ask('x2'), await ask('x3')]).toEqual([
      'OUTPUT_NOT_FOUND',
      'OUTPUT_NOT_FOUND',
      'EXECUTION_NOT_FOUND',
    ])
    for (const call of calls) call.succeed({})
    for (const response of responses) await response.text()
    expect([await ask('x1'), await ask('x2')]).toEqual(['OUTPUT_NOT_FOUND', 'OUTPUT_NOT_FOUND'])
  })

  test.each([null, 0, 'text', []])('an output of %j is reported as it is', async value => {
    const { create, get } = handlerRig({ tools: { work: () => value } })
    await (await create({ ...ONE_TASK, output: '$OUTPUT[a]' })).text()
    expect(await (await get('/executions/x1/output')).text()).toBe(JSON.stringify(value))
  })
})
