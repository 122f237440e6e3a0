import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { runRemotely, SERVER, startFakeServer } from './remote-rig.ts'
import { makeFolder, runIn } from './store-rig.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

/** `bad` fails as long as the input says so. */
const FLAKY = {
  tasks: [
    { id: 'good', tool: 'echo', arguments: { text: 'Ada' } },
    { id: 'bad', tool: 'echo', arguments: { text: '$INPUT.text' }, when: '[1, 2][input.at] == 1', dependsOn: ['good'] },
  ],
}

function makeFlaky(): string {
  const cwd = makeFolder()
  writeFileSync(join(cwd, 'flaky.json'), JSON.stringify(FLAKY))
  return cwd
}

const readFork = (stderr: string): string => /^ {2}\S+ (executions fork .*)$/m.exec(stderr)?.[1] ?? stderr

test('run prints the command that runs again what did not succeed, and that command does', async () => {
  const cwd = makeFlaky()
  const failed = await runIn(cwd, 'run flaky.json --store runs.db --input {"text":"x","at":7}')
  expect(failed.code).toBe(1)
  const line = readFork(failed.stderr)
  expect(line).toMatch(/^executions fork [\w-]{22} --from bad --store runs\.db$/)
  const forked = await runIn(cwd, `${line} --input {"text":"x","at":0}`)
  expect([forked.code, forked.stdout]).toEqual([0, '{\n  "text": "x"\n}\n'])
  const id = line.split(' ')[2] as string
  expect(forked.stderr).toMatch(
    new RegExp(
      `^Execution [\\w-]{22}, a fork of ${id}, is kept in runs\\.db\n✔ good taken over from ${id}\n✔ bad \\S+\n`,
    ),
  )
  expect(forked.stderr).not.toContain('executions fork')

  const [fork] = JSON.parse((await runIn(cwd, 'executions list --store runs.db --json')).stdout)
  const shown = await runIn(cwd, `executions show ${fork.executionId} --store runs.db`)
  expect(shown.stdout).toContain(`\nforked from ${id} from bad\nsuccess 2 tasks`)
  const { forkedFrom } = JSON.parse(
    (await runIn(cwd, `executions show ${fork.executionId} --store runs.db --json`)).stdout,
  )
  expect(forkedFrom).toEqual({ executionId: id, from: ['bad'] })
})

test('run prints no such command after a success, nor without a store', async () => {
  const cwd = makeFlaky()
  const succeeded = await runIn(cwd, 'run flaky.json --store runs.db --input {"text":"x","at":0}')
  const unkept = await runIn(cwd, 'run flaky.json --input {"text":"x","at":7}')
  expect([succeeded.code, unkept.code]).toEqual([0, 1])
  expect(succeeded.stderr + unkept.stderr).not.toContain('executions fork')
})

test('fork takes another workflow, and several tasks to run again', async () => {
  const cwd = makeFlaky()
  await runIn(cwd, 'run flaky.json --store runs.db --input {"text":"x","at":7}')
  const id = JSON.parse((await runIn(cwd, 'executions list --store runs.db --json')).stdout)[0].executionId as string
  const workflow = { tasks: [...FLAKY.tasks.slice(0, 1), { id: 'more', tool: 'echo' }] }
  const forked = await runIn(cwd, `executions fork ${id} --store runs.db --workflow - --json`, workflow)
  expect(JSON.parse(forked.stdout).results).toMatchObject([{ reusedFrom: { executionId: id } }, { attempts: 1 }])
  const again = await runIn(
    cwd,
    `executions fork ${id} --store runs.db --workflow - --from good --from more --json`,
    workflow,
  )
  expect(JSON.parse(again.stdout).results).toMatchObject([{ attempts: 1 }, { attempts: 1 }])
})

test('fork refuses a task that there is not, an unknown execution and an invalid workflow', async () => {
  const cwd = makeFlaky()
  await runIn(cwd, 'run flaky.json --store runs.db --input {"text":"x","at":7}')
  const id = JSON.parse((await runIn(cwd, 'executions list --store runs.db --json')).stdout)[0].executionId as string
  const unknown = await runIn(cwd, `executions fork ${id} --store runs.db --from goood`)
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('There is no task `goood`')])
  expect((await runIn(cwd, 'executions fork none --store runs.db')).code).toBe(1)
  const invalid = await runIn(cwd, `executions fork ${id} --store runs.db --workflow -`, {
    tasks: [{ id: 'a', tool: 'x' }],
  })
  expect([invalid.code, invalid.stderr]).toEqual([2, expect.stringContaining('UNKNOWN_TOOL')])
})

test('fork on a server is followed there', async () => {
  const server = startFakeServer()
  const failed = await runRemotely(FLAKY, '--input', '{"text":"x","at":7}', '--json')
  const { executionId } = JSON.parse(failed.stdout.text) as { executionId: string }
  const cwd = makeFolder()
  mkdirSync(join(cwd, 'x'))
  const forked = await runIn(
    cwd,
    `executions fork ${executionId} --server ${SERVER} --input {"text":"x","at":0} --json`,
  )
  expect([forked.code, JSON.parse(forked.stdout)]).toMatchObject([
    0,
    { status: 'success', results: [{ reusedFrom: { executionId } }, { attempts: 1 }] },
  ])
  expect(server.requests).toContain(`POST /executions/${executionId}/fork`)
  const refused = await runIn(cwd, `executions fork ${executionId} --server ${SERVER} --from goood`)
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('Did you mean `good`?')])
})

test('a remembered output is taken by the next run with the same file, until the cache is cleared', async () => {
  const cwd = makeFolder()
  const workflow = { tasks: [{ id: 'a', tool: 'echo', arguments: { text: 'x' }, cache: { ttlMs: 60_000 } }] }
  const run = async (flags = ''): Promise<number> => {
    const { stdout } = await runIn(cwd, `run - --store runs.db --json${flags}`, workflow)
    return (JSON.parse(stdout) as { results: { attempts: number }[] }).results[0]?.attempts ?? -1
  }
  expect([await run(), await run(), await run(' --cache-bytes 1KiB')]).toEqual([1, 0, 0])
  const cleared = await runIn(cwd, 'executions cache clear --store runs.db')
  expect(cleared).toEqual({ code: 0, stdout: '', stderr: '1 output forgotten\n' })
  expect([await run(' --cache-bytes 3'), await run()]).toEqual([1, 1])
  const refused = await runIn(cwd, 'run - --store runs.db --cache-bytes 3kb', workflow)
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('such as 64MiB')])
})
