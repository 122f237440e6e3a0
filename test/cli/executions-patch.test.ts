import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { createClient } from 'dagstream/client'
import { SERVER, startFakeServer } from './remote-rig.ts'
import { makeFolder, runIn } from './store-rig.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

const TASKS = [
  { id: 'a', tool: 'wait', arguments: { ms: 60_000 } },
  { id: 'b', tool: 'echo', dependsOn: ['a'] },
]

test('an execution of a server is patched from files and by a client, and a refusal names every issue', async () => {
  startFakeServer()
  const client = createClient({ url: SERVER })
  const execution = client.stream({ tasks: TASKS }, { options: { onDisconnect: 'continue' } })
  const id = await execution.executionId
  const folder = makeFolder()
  const on = (argv: string): ReturnType<typeof runIn> =>
    runIn(folder, `executions patch ${id} ${argv} --server ${SERVER}`)
  writeFileSync(join(folder, 'one.json'), JSON.stringify({ id: 'c', tool: 'echo', dependsOn: ['b'] }))
  writeFileSync(join(folder, 'bad.json'), JSON.stringify([{ id: 'd', tool: 'ecco' }]))
  writeFileSync(join(folder, 'no.json'), '5')
  const added = await on('--add one.json --json')
  expect([added.code, JSON.parse(added.stdout)]).toEqual([0, { executionId: id, totalTasks: 3 }])
  const refused = await on('--add bad.json')
  expect(refused.code).not.toBe(0)
  expect(refused.stderr).toContain('/add/0/tool')
  const late = await on('--remove a')
  expect([late.code === 0, late.stderr]).toEqual([false, expect.stringContaining('`a` has started or ended')])
  for (const argv of ['', '--add no.json', '--add - --replace -']) expect((await on(argv)).code).toBe(2)
  expect((await on('--remove c')).stderr).toContain(`Patched ${id}: 2 tasks`)
  expect(await execution.patch({ remove: ['b'] })).toEqual({ totalTasks: 1 })
  await expect(execution.patch({ remove: ['b'] })).rejects.toMatchObject({
    code: 'HTTP_ERROR',
    details: { status: 409, code: 'PLAN_CONFLICT' },
  })
  await execution.cancel()
})
