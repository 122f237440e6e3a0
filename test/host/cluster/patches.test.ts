import { afterEach, expect, test } from 'vitest'
import { readProblem } from '../../http/handler/handler-rig.ts'
import { type ClusterRig, clusterRig, LEASE_MS, type ServerRig, settle } from './cluster-rig.ts'

let rig: ClusterRig
afterEach(() => rig.close())

const WORKFLOW = {
  tasks: [
    { id: 'a', tool: 'work' },
    { id: 'b', tool: 'work', dependsOn: ['a'] },
  ],
}

/** Two servers, and an execution of the first whose task `a` runs. */
async function runningRig(): Promise<{ a: ServerRig; b: ServerRig }> {
  rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  await settle(rig)
  await a.begin({ workflow: WORKFLOW })
  return { a, b }
}

const patch = (server: ServerRig, body: object, id = 'a1'): Promise<Response> =>
  server.send('POST', `/executions/${id}/plan`, { body })

test('a patch at another server is decided by the coordinator, whose answer comes back', async () => {
  const { a, b } = await runningRig()
  const call = await rig.tool.nextCall('a')
  const patching = patch(b, { remove: ['b'], add: [{ id: 'c', tool: 'work', dependsOn: ['a'] }] })
  await rig.clock.run(1000)
  const patched = await patching
  expect([patched.status, await patched.json()]).toEqual([200, { totalTasks: 2 }])
  const refuse = async (body: object, id?: string): Promise<unknown> => {
    const refused = patch(b, body, id)
    await rig.clock.run(1500)
    const { status, code, issues, taskIds } = await readProblem(await refused)
    return [
      status,
      code,
      (issues as readonly { pointer: string }[] | undefined)?.map(({ pointer }) => pointer) ?? taskIds,
    ]
  }
  expect(await refuse({ remove: ['a'] })).toEqual([409, 'PLAN_CONFLICT', ['a']])
  expect(await refuse({ add: [{ id: 'd', tool: 'none' }] })).toEqual([422, 'INVALID_WORKFLOW', ['/add/0/tool']])
  expect(await refuse({ remove: ['a'] }, 'none')).toEqual([404, 'EXECUTION_NOT_FOUND', undefined])
  call.succeed(1)
  await rig.clock.run(2000)
  ;(await rig.tool.nextCall('c')).succeed(2)
  await rig.clock.run(3000)
  expect(await (await b.get('/executions/a1')).json()).toMatchObject({
    status: 'success',
    result: { results: [{ taskId: 'a' }, { taskId: 'c' }] },
  })
  expect(await refuse({ remove: ['c'] })).toEqual([409, 'EXECUTION_ENDED', undefined])
  expect((await patch(a, { remove: ['c'] })).status).toBe(409)
})

test('of patches at two servers at once that exclude each other one is done', async () => {
  const { a, b } = await runningRig()
  await rig.tool.nextCall('a')
  const patching = [a, b].map(server => patch(server, { remove: ['b'] }))
  await rig.clock.run(2000)
  const statuses = await Promise.all(patching.map(async each => (await each).status))
  expect(statuses.toSorted((x, y) => x - y)).toEqual([200, 409])
})

test('a patch while the coordinator is dead is decided once, by the next one', async () => {
  const { a, b } = await runningRig()
  const call = await rig.tool.nextCall('a')
  a.process.die()
  const patching = patch(b, { add: [{ id: 'c', tool: 'work', dependsOn: ['a'] }] })
  await rig.clock.run(LEASE_MS + 3000)
  const patched = await patching
  expect([patched.status, await patched.json()]).toEqual([200, { totalTasks: 3 }])
  call.succeed(1)
  await rig.clock.run(3000)
  for (const next of await rig.tool.nextCalls('b', 'c')) next.succeed(2)
  await rig.clock.run(3000)
  expect(await (await b.get('/executions/a1')).json()).toMatchObject({ result: { totalTasks: 3, successCount: 3 } })
})
