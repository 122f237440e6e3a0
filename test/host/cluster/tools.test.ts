import { afterEach, expect, test } from 'vitest'
import type { AnnouncedTool, Member } from '../../../src/cluster/members.ts'
import { readProblem } from '../../http/handler/handler-rig.ts'
import { type ClusterRig, clusterRig } from './cluster-rig.ts'

let rig: ClusterRig
afterEach(() => rig.close())

const NAMED = {
  name: 'far',
  description: 'Runs elsewhere',
  inputSchema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
} as const

const workerWith = (...tools: AnnouncedTool[]): Member => ({
  memberId: 'w1',
  role: 'worker',
  startedAt: '2026-01-01T00:00:00.000Z',
  tools,
  running: 2,
  capacity: 8,
  version: '1.2.3',
})

const announce = (member: Member): Promise<void> => rig.store.members.announce(member, 'store', 10_000)

const using = (tool: string, args: object = {}): object => ({ tasks: [{ id: 'a', tool, arguments: args }] })

test('the tools of living workers are those of every server, and workflows are checked by their schemas', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  await announce(workerWith(NAMED))
  expect(await (await a.get('/tools')).json()).toEqual({ tools: [{ name: 'work' }, NAMED] })
  const valid = await a.send('POST', '/workflows/validate', { body: using('far', { n: 1 }) })
  expect(await valid.json()).toMatchObject({ valid: true })
  const problem = await readProblem(await a.create(using('far', { n: 'x' })))
  expect([problem.status, problem.code]).toEqual([422, 'INVALID_WORKFLOW'])
})

test('a worker that begins between two requests is found at once, and one that died is forgotten', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  expect((await a.create(using('far', { n: 1 }))).status).toBe(422)
  await announce(workerWith(NAMED))
  expect((await a.create(using('far', { n: 1 }), { Prefer: 'respond-async' })).status).toBe(202)
  await rig.clock.run(11_000)
  expect((await a.create(using('far', { n: 1 }))).status).toBe(422)
})

test('the own tool of a server counts where a worker has one of the same name', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  await announce(workerWith({ ...NAMED, name: 'work' }))
  expect(await (await a.get('/tools')).json()).toEqual({ tools: [{ name: 'work' }] })
})

test('a tool that cannot be registered is left out, with a line of log', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  await announce(workerWith({ name: 'bad', inputSchema: { type: 'nothing' } }, NAMED))
  expect(await (await a.get('/tools')).json()).toEqual({ tools: [{ name: 'work' }, NAMED] })
  expect(a.log.filter(line => line.includes('"tool":"bad"')).length).toBe(1)
})

test('living workers are listed at every server', async () => {
  rig = clusterRig()
  const a = rig.server('a', { work: false })
  rig.server('b', { work: false })
  await announce(workerWith(NAMED))
  expect(await (await a.get('/workers')).json()).toEqual({
    workers: [
      {
        workerId: 'w1',
        startedAt: '2026-01-01T00:00:00.000Z',
        seenAt: '2026-01-01T00:00:00.000Z',
        tools: ['far'],
        running: 2,
        capacity: 8,
        version: '1.2.3',
      },
    ],
  })
})
