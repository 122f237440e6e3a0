import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inspect } from './kill-case.ts'
import type { KillWorkflow } from './kill-workflows.ts'
import { callsOf, type KillRig, killRig, LARGE, SLOW } from './kill-rig.ts'
import { Life, type LifeOptions } from './life.ts'

// What may happen around a server: to its file, its clock, its disk. Real processes, real time.

/** Waits longer for its retry than a process takes to start. */
const PATIENT: KillWorkflow = {
  name: 'patient',
  status: 'success',
  body: {
    workflow: {
      tasks: [
        {
          id: 'twice',
          tool: 'falter',
          arguments: { times: 1, value: 'at last' },
          retry: { maxAttempts: 2, initialDelayMs: 1500, jitter: 0 },
        },
      ],
    },
  },
}

const rig = killRig(SLOW, LARGE, PATIENT)

test.concurrent('a second process on the file is refused and ends, and the first does not notice', async () => {
  const { site, follower } = rig.open(SLOW)
  let second: Life | undefined
  follower.onEvent = () => {
    second ??= new Life(site.folder)
    return false
  }
  await Promise.all([follower.follow(), site.url])
  expect(await second?.ended).toBe(1)
  expect(second?.errors).toMatch(/store\.db.* is in use by another process/)
  expect(site.deaths).toEqual([])
  expect(await inspect(site, [follower], rig.undisturbed)).toEqual([])
})

test.concurrent.each([-3_600_000, 0, 3_600_000])(
  'a clock that is set by %s ms between two processes changes nothing but how long a retry waits, and that never for longer',
  async shift => {
    const { site, follower } = rig.open(PATIENT)
    follower.strikeAt('task_retry', 'twice', 1, {
      preload: ['set-clock.mjs'],
      env: { CLOCK_SHIFT_MS: String(shift) },
    })
    await follower.follow()
    const { result } = (await follower.fetchResult()) as { result: { results: object[] } }
    const [task] = result.results as [Record<string, number>]
    for (const times of [result, task] as Record<string, number>[]) {
      for (const name of ['executionTimeMs', 'waitMs', 'speedup', 'criticalPathMs']) {
        expect(times[name] ?? 0).toBeGreaterThanOrEqual(0)
        expect(times[name] ?? 0).toBeLessThan(600_000)
      }
    }
    expect(await inspect(site, [follower], rig.undisturbed)).toEqual([])
  },
)

test.concurrent('a disk that is full in the middle costs nothing that was acknowledged, and by hand it continues', async () => {
  const { site, follower, empty, fill } = openOnSmallDisk()
  follower.onEvent = ({ type }) => {
    if (type === 'task_complete') fill()
    return false
  }
  await expect(follower.follow()).rejects.toThrow(/STORE_FAILED|could not be recorded/)
  const url = await site.url
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  const refused = await fetch(`${url}/executions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ workflow: LARGE.body.workflow, input: 'x'.repeat(100_000) }),
  })
  expect(refused.status).toBe(503)
  expect(((await refused.json()) as { code: string }).code).toBe('STORE_FAILED')
  expect(await follower.fetchResult()).toMatchObject({ status: 'running' })
  const settled = follower.seen.filter(({ type }) => type === 'task_complete').length
  follower.onEvent = () => false
  empty()
  expect(await follower.ask('resume')).toBe(202)
  await follower.follow()
  expect(settled).toBeGreaterThan(0)
  expect(callsOf(site).filter(taskId => taskId === 'a')).toEqual(['a'])
  expect(await inspect(site, [follower], rig.undisturbed)).toEqual([])
})

test.concurrent('a server starts on a full disk, and executions that it could not resume are resumed by hand', async () => {
  const { site, follower, empty, fill, options } = openOnSmallDisk()
  follower.onEvent = ({ type }) => {
    if (type !== 'task_complete' || site.deaths.length > 0) return false
    fill()
    site.strike(options)
    return true
  }
  await expect(follower.follow()).rejects.toThrow('The stream told of an error')
  follower.onEvent = () => false
  empty()
  expect(await follower.ask('resume')).toBe(202)
  await follower.follow()
  expect(await inspect(site, [follower], rig.undisturbed)).toEqual([])
})

function openOnSmallDisk(): ReturnType<KillRig['open']> & {
  readonly options: LifeOptions
  readonly fill: () => void
  readonly empty: () => void
} {
  // The gate keeps the execution from its end until the client, however late it reads, has filled the disk.
  const options = { preload: ['fill-disk.mjs'], env: { DISK_FULL: 'disk-full', GATE: 'gate' } }
  const { site, follower } = rig.open(LARGE, options)
  const mark = join(site.folder, 'disk-full')
  const fill = (): void => {
    writeFileSync(mark, '')
    writeFileSync(join(site.folder, 'gate'), '')
  }
  return { site, follower, options, fill, empty: () => rmSync(mark) }
}

test.skipIf(process.platform === 'win32').concurrent('a server that is asked to end lets what runs end', async () => {
  const { site, follower } = rig.open(SLOW)
  let ended: Promise<number | null> | undefined
  follower.onEvent = ({ type }) => {
    if (type === 'task_start') ended ??= site.life.terminate()
    return false
  }
  await follower.follow()
  expect(await ended).toBe(0)
  await site.restart()
  expect(callsOf(site)).toEqual(['a', 'b', 'c'])
  expect(await inspect(site, [follower], rig.undisturbed)).toEqual([])
})
