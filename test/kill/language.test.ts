import { spawn, spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { inspect } from './kill-case.ts'
import { callsOf, killRig } from './kill-rig.ts'
import { CANCELLED_LANGUAGE, LANGUAGE } from './kill-workflows.ts'
import type { Site } from './site.ts'

// Deaths in the middle of a fan-out, of the wait between two rounds, and of `finally`. Real processes, real time.

const rig = killRig(LANGUAGE, CANCELLED_LANGUAGE)

interface Told {
  readonly taskId: string
  readonly timestamp: string
  readonly attempt?: number
}

/** The events of one type, of tasks whose ids begin so. */
async function eventsOf(site: Site, type: string, prefix: string): Promise<Told[]> {
  const [log] = (await site.readLogs()).values()
  const all = (log?.entries ?? []).filter(entry => entry.type === type).map(({ json }) => JSON.parse(json) as Told)
  return all.filter(({ taskId }) => taskId.startsWith(prefix))
}

/** The most items that ran at once, by the log. */
async function findPeak(site: Site, prefix: string): Promise<number> {
  const [log] = (await site.readLogs()).values()
  const open = new Set<string>()
  let peak = 0
  for (const { type, json } of log?.entries ?? []) {
    const { taskId = '' } = JSON.parse(json) as Partial<Told>
    if (!taskId.startsWith(prefix)) continue
    if (type === 'task_start') open.add(taskId)
    else if (type === 'task_complete' || type === 'task_retry') open.delete(taskId)
    peak = Math.max(peak, open.size)
  }
  return peak
}

test.concurrent('killed in the middle of a fan-out it continues with the items that have not ended, as many at once as before', async () => {
  const { site, follower } = rig.open(LANGUAGE)
  follower.strikeAt('task_start', 'fan[2]')
  await follower.follow()
  expect(site.deaths.length).toBe(1)
  expect(callsOf(site).filter(taskId => taskId === 'fan[0]')).toHaveLength(1)
  expect(await inspect(site, [follower], rig.undisturbed)).toEqual([])
  expect(await findPeak(site, 'fan[')).toBe(2)
})

test.concurrent('killed in the wait between two rounds it waits as long as it should have', async () => {
  const { site, follower } = rig.open(LANGUAGE)
  follower.strikeAt('task_complete', 'poll[0]')
  await follower.follow()
  expect(site.deaths.length).toBe(1)
  expect(await inspect(site, [follower], rig.undisturbed)).toEqual([])
  const [ended] = await eventsOf(site, 'task_complete', 'poll[0]')
  const [started] = await eventsOf(site, 'task_start', 'poll[1]')
  expect(Date.parse(started?.timestamp ?? '') - Date.parse(ended?.timestamp ?? '')).toBeGreaterThanOrEqual(78)
  expect(callsOf(site).filter(taskId => taskId.startsWith('poll['))).toEqual(['poll[0]', 'poll[1]', 'poll[2]'])
})

test.concurrent.each([
  ['of an execution', LANGUAGE, 'close'],
  ['of a workflow within a task', LANGUAGE, 'flow[0]/end'],
  ['of a cancelled execution', CANCELLED_LANGUAGE, 'close'],
])('killed in the middle of the finally tasks %s it runs them', async (_, workflow, taskId) => {
  const { site, follower } = rig.open(workflow)
  follower.strikeAt('task_start', taskId)
  await follower.follow()
  expect(site.deaths.length).toBe(1)
  expect(await inspect(site, [follower], rig.undisturbed)).toEqual([])
  expect(await eventsOf(site, 'task_complete', taskId)).toMatchObject([{ status: 'success' }])
})

const hasCurl = spawnSync('curl', ['--version']).status === 0

/** Reads a stream by `curl -N` until its end, or until an event is the wanted one. @returns the events that came whole */
function readByCurl(url: string, argv: readonly string[], isWanted: (event: string) => boolean): Promise<string[]> {
  const curl = spawn('curl', ['-N', '-s', '-H', 'Accept: text/event-stream', ...argv, url])
  let text = ''
  return new Promise(resolve => {
    const framesOf = (): string[] => text.split('\n\n').slice(0, -1)
    curl.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (framesOf().some(isWanted)) curl.kill()
    })
    curl.on('close', () => resolve(framesOf().filter(frame => frame.startsWith('id: '))))
  })
}

const idOf = (event: string): string => /^id: (.*)$/m.exec(event)?.[1] ?? ''

test
  .skipIf(!hasCurl)
  .concurrent('a fan-out that is followed by curl -N goes on behind the last event that came', async () => {
    const { site } = rig.open(LANGUAGE)
    const body = ['-H', 'Content-Type: application/json', '-d', JSON.stringify(LANGUAGE.body)]
    const isThird = (event: string): boolean => event.includes('"taskId":"fan[2]"')
    const before = await readByCurl(`${await site.url}/executions`, body, isThird)
    site.strike()
    const last = idOf(before.at(-1) ?? '')
    const [executionId] = last.split('.')
    const url = `${await site.url}/executions/${executionId}`
    const after = await readByCurl(`${url}/events`, ['-H', `Last-Event-ID: ${last}`], () => false)
    const all = [...before, ...after].map(idOf)
    expect(all).toEqual(all.map((_, at) => `${executionId}.${at + 1}`))
    expect(await (await fetch(url)).json()).toMatchObject({ status: 'success' })
    const settled = before.filter(event => event.includes('\nevent: task_complete\n'))
    const later = site.readCalls().slice(site.deaths[0]?.callCount)
    expect(settled.length).toBeGreaterThan(0)
    expect(later.filter(({ taskId }) => settled.some(event => event.includes(`"taskId":"${taskId}"`)))).toEqual([])
  })
