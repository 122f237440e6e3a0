import { expect, test } from 'vitest'
import { handlerRig, ONE_TASK, readProblem } from './handler-rig.ts'

const ROUTE = '/workflows/validate?forecast=true'

test('a valid workflow has a forecast by the executions of the caller', async () => {
  const authorize = (request: Request): { owner: string } => ({ owner: request.headers.get('who') ?? 'ada' })
  const rig = handlerRig({ tools: { work: () => 1 }, authorize })
  const started = await rig.send('POST', '/executions', { body: ONE_TASK })
  expect(await started.json()).toMatchObject({ status: 'success' })
  const answer = await (await rig.send('POST', ROUTE, { body: ONE_TASK })).json()
  expect(answer).toMatchObject({ valid: true, forecast: { tools: { work: { count: 1 } }, unknown: [] } })
  const headers = { who: 'eve' }
  const other = await (await rig.send('POST', ROUTE, { body: ONE_TASK, headers })).json()
  expect(other).toMatchObject({ forecast: { makespanMs: { layers: null, dataflow: null }, unknown: ['work'] } })
})

test('without the parameter, and for an invalid workflow, there is none', async () => {
  const rig = handlerRig({ tools: { work: () => 1 } })
  for (const [path, body] of [
    ['/workflows/validate', ONE_TASK],
    ['/workflows/validate?forecast=false', ONE_TASK],
    [ROUTE, { tasks: [{ id: 'a', tool: 'wrok' }] }],
  ] as const) {
    expect(await (await rig.send('POST', path, { body })).json()).not.toHaveProperty('forecast')
  }
})

test.each(['forecast=yes', 'forecast=', 'forecast=true&forecast=true'])('%s is refused', async query => {
  const rig = handlerRig({ tools: { work: () => 1 } })
  const problem = await readProblem(await rig.send('POST', `/workflows/validate?${query}`, { body: ONE_TASK }))
  expect(problem).toMatchObject({ status: 400, detail: 'Expected one `forecast`: `true` or `false`' })
})
