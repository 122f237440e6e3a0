import { expect, test } from 'vitest'
import { socketRig } from '../security/socket-rig.ts'
import { line, PlanClient } from './plan-client.ts'

const tools = { work: { readOnly: true, execute: (args: unknown) => args } }

test('a task runs and its events arrive while the body of the request is open', async () => {
  const { server } = await socketRig({ tools })
  const client = new PlanClient(server.port)
  client.write(`{"name": "cities"}\n${line('a')}`)
  await client.next('task_complete', 'a')
  client.write(line('b', { dependsOn: ['a'], arguments: { of: '$OUTPUT[a]' } }))
  await client.next('task_complete', 'b')
  expect(client.outcome).toBe(undefined)
  client.write('{"seal": true}\n')
  const end = await client.next('execution_complete')
  expect(end).toMatchObject({ status: 'success', totalTasks: 2 })
  await client.ended
  expect(client.outcome).toBe('ended')
})

test('the result is the answer where JSON is accepted', async () => {
  const { server } = await socketRig({ tools })
  const client = new PlanClient(server.port, { Accept: 'application/json' })
  client.write(line('a', { arguments: { n: 12345678901234567890n.toString() } }))
  client.end(line('b'))
  await client.ended
  expect(JSON.parse(client.text)).toMatchObject({ status: 'success', totalTasks: 2 })
})
