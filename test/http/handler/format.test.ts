import { expect, test } from 'vitest'
import { handlerRig, ONE_TASK, readProblem, STREAM } from './handler-rig.ts'

async function endedRig() {
  const rig = handlerRig()
  await rig.begin(ONE_TASK)
  ;(await rig.tool.nextCall('a')).succeed(1)
  await rig.tool.idle()
  return rig
}

test('a client of the job vocabulary asks for it by name, and resumes in it', async () => {
  const { get } = await endedRig()
  const text = await (await get('/executions/x1/events?format=job')).text()
  const types = [...text.matchAll(/^data: (.*)$/gm)].map(
    ([, json]) => (JSON.parse(json as string) as { type: string }).type,
  )
  expect([types[0], types.at(-1), text.includes('event:')]).toEqual(['start', 'stream_end', false])
  const rest = await (await get('/executions/x1/events?format=job', { 'Last-Event-ID': 'x1.3' })).text()
  expect(text.endsWith(rest.replace(/^:\n\n/, ''))).toBe(true)
})

test('the default has a name too', async () => {
  const { get } = await endedRig()
  const [named, plain] = [await get('/executions/x1/events?format=default'), await get('/executions/x1/events')]
  expect(await named.text()).toBe(await plain.text())
})

test('a format that is invalid is refused before anything is begun', async () => {
  const { send, get, tool } = await endedRig()
  const asked = await send('POST', '/executions?format=xml', { headers: { Accept: STREAM }, body: ONE_TASK })
  expect(await readProblem(asked)).toMatchObject({
    status: 400,
    detail: 'Expected `format` to be default or job or ai-sdk or ag-ui',
  })
  expect((await get('/executions/x1/events?format=toString')).status).toBe(400)
  await tool.idle()
  expect(tool.started).toEqual(['a'])
})
