import { type ChildProcess, spawnSync } from 'node:child_process'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { end, expectBuild, paste, run, start } from './program.ts'

beforeAll(expectBuild)

interface Server {
  readonly child: ChildProcess
  readonly url: string
  /** The lines that it says to paste. */
  readonly lines: readonly string[]
  readonly ended: Promise<{ code: number; stderr: string }>
}

let servers: Server[] = []

afterEach(() => {
  for (const { child } of servers) child.kill('SIGKILL')
  servers = []
})

/** Starts a server of the built program. @returns once it says where it listens */
async function serve(argv: readonly string[] = [], env: Record<string, string> = {}): Promise<Server> {
  const child = start(['serve', '--port', '0', '--store', 'memory', ...argv], '', env)
  const ended = end(child)
  const text = await new Promise<string>(resolve => {
    let said = ''
    child.stderr?.on('data', (chunk: string) => {
      said += chunk
      if (said.includes('Ctrl-C ends it.\n')) resolve(said)
    })
    void ended.then(({ stderr }) => resolve(stderr))
  })
  const lines = text
    .split('\n')
    .filter(line => line.startsWith('  '))
    .map(line => line.trim())
  const server = { child, url: /listens on (\S+)/.exec(text)?.[1] ?? text, lines, ended }
  servers.push(server)
  return server
}

/** What comes in on standard output, until `isEnough`. */
async function readUntil(child: ChildProcess, isEnough: (text: string) => boolean): Promise<string> {
  let text = ''
  child.stdout?.setEncoding('utf8')
  return new Promise(resolve => {
    const take = (chunk: string): void => {
      text += chunk
      if (!isEnough(text)) return
      child.stdout?.off('data', take)
      resolve(text)
    }
    child.stdout?.on('data', take)
    child.on('close', () => resolve(text))
  })
}

/** Resolves once something runs on the server. */
async function untilRunning(url: string): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`${url}/metrics`)).text()
    if (metrics.includes('dagstream_executions_running 1\n')) return
  }
}

const idsOf = (sse: string): string[] => Array.from(sse.matchAll(/^id: (.*)$/gm), match => match[1] as string)

/** A chain of pauses. */
const chain = (count: number, ms: number): string =>
  JSON.stringify({
    tasks: Array.from({ length: count }, (_, index) => ({
      id: `t${index}`,
      tool: 'wait',
      arguments: { ms },
      dependsOn: index === 0 ? [] : [`t${index - 1}`],
    })),
  })

describe.skipIf(process.platform === 'win32' || spawnSync('curl', ['--version']).status !== 0)(
  'with a POSIX shell and curl, the lines that are printed, pasted,',
  () => {
    test('stream: the first event long before the last', async () => {
      const { lines } = await serve()
      const child = paste(lines[0] ?? '')
      const ended = end(child)
      await readUntil(child, text => text.includes('execution_start'))
      const firstAt = performance.now()
      const { code, stdout } = await ended
      // The longest pause in it is a second.
      expect(performance.now() - firstAt).toBeGreaterThan(800)
      expect([code, stdout.includes('"output":"Hello, Ada"'), idsOf(stdout).length]).toEqual([0, true, 8])
    })

    test('stream the shipped report with its tools', async () => {
      const { lines } = await serve(['--tools', 'fixtures/repository-tools.mjs'])
      expect(lines[1]).toContain('--data-binary @fixtures/repository-report.json')
      const { code, stdout } = await end(paste(lines[1] ?? ''))
      const last = stdout.trimEnd().split('\n\n').at(-1) ?? ''
      expect([code, last.includes('event: execution_complete\n'), last.includes('"successCount":21')]).toEqual([
        0,
        true,
        true,
      ])
      const remote = await end(paste(lines[2] ?? ''))
      expect([remote.code, remote.stderr.includes('success 21 tasks: 21 succeeded')]).toEqual([0, true])
    })

    test('carry the token that the environment has', async () => {
      const env = { DAGSTREAM_TOKEN: 'secret-1' }
      const { lines } = await serve([], env)
      const refused = await end(paste(lines[0] ?? '', { DAGSTREAM_TOKEN: 'secret-2' }))
      expect(refused.stdout).toContain('"code":"UNAUTHORIZED"')
      const { stdout } = await end(paste(lines[0] ?? '', env))
      expect([stdout.includes('event: execution_complete\n'), lines.join().includes('secret')]).toEqual([true, false])
    })
  },
)

// Windows has no signals: there Ctrl-C cannot be sent by a program.
describe.skipIf(process.platform === 'win32')('with signals', () => {
  test('SIGTERM lets running executions end, then ends the server with 0', async () => {
    const { child, url, ended } = await serve(['--log-level', 'silent'])
    const running = start(['run', '-', '--server', url, '--json'], chain(2, 300))
    const done = end(running)
    await untilRunning(url)
    child.kill('SIGTERM')
    // Its result is fetched once the stream has ended: the server is still there then.
    expect(await done).toMatchObject({ code: 0, stdout: expect.stringContaining('"successCount":2') as string })
    expect(await ended).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/\nDraining: .*\nDrained\n$/) as string,
    })
  })

  test('a second signal ends the server at once', async () => {
    const { child, url, ended } = await serve(['--log-level', 'silent'])
    const running = start(['run', '-', '--server', url, '--sse'], chain(1, 60_000))
    const done = end(running)
    await readUntil(running, text => text.includes('task_start'))
    child.stderr?.on('data', (text: string) => {
      if (text.includes('Draining')) child.kill('SIGINT')
    })
    child.kill('SIGTERM')
    expect((await ended).code).toBe(130)
    running.kill('SIGKILL')
    await done
  })

  test('watch, interrupted, is continued by the line that it prints: each event once', async () => {
    const { url } = await serve()
    const runner = start(['run', '-', '--server', url, '--sse'], chain(6, 250))
    const ran = end(runner)
    const [first = ''] = idsOf(await readUntil(runner, text => text.includes('\n\n')))
    const watcher = start(['watch', first.replace(/\.1$/, ''), '--server', url, '--sse'])
    const watched = end(watcher)
    await readUntil(watcher, text => text.includes('task_complete'))
    watcher.kill('SIGINT')
    const { code, stdout, stderr } = await watched
    const line = stderr.split('\n').find(each => each.startsWith('  ')) ?? ''
    expect([code, stderr.includes('Detached; nothing was cancelled.'), line]).toEqual([
      130,
      true,
      expect.stringMatching(/^ {2}node \S+\/cli\/main\.js watch /),
    ])
    const rest = await end(paste(`${line} --sse`))
    const whole = await ran
    expect([rest.code, whole.code, stdout + rest.stdout]).toEqual([0, 0, whole.stdout])
  })

  test('run --server, interrupted, cancels there and prints the end', async () => {
    const { url } = await serve()
    const child = start(['run', '-', '--server', url, '--sse'], chain(1, 60_000))
    const ended = end(child)
    await readUntil(child, text => text.includes('task_start'))
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect([
      code,
      stdout.includes('event: execution_complete\n'),
      stderr.includes('CANCELLED: Cancelled by request'),
    ]).toEqual([130, true, true])
  })

  test('a server that is killed is reported, and one in its place that knows nothing is believed', async () => {
    const { child, url, ended } = await serve()
    const running = start(['run', '-', '--server', url, '--sse'], chain(1, 60_000))
    const done = end(running)
    await readUntil(running, text => text.includes('task_start'))
    const written = new Promise<void>(resolve => {
      running.stderr?.on('data', (text: string) => {
        if (text.includes('; trying again in ')) resolve()
      })
    })
    child.kill('SIGKILL')
    await ended
    await written
    await serve(['--port', new URL(url).port])
    const { code, stderr } = await done
    expect([code, stderr]).toEqual([1, expect.stringMatching(/\nerror GET .*\/events was answered with 404: .*\n$/)])
  })
})

test('tools that fail after they have answered do not end the server', async () => {
  const { url } = await serve(['--tools', 'test/cli/stray-tools.mjs'])
  const tasks = [
    { id: 'a', tool: 'throwLater' },
    { id: 'b', tool: 'rejectLater' },
  ]
  expect((await end(start(['run', '-', '--server', url], JSON.stringify({ tasks })))).code).toBe(0)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
})

test('a port that is taken, an address for all, and a server that is not there are reported', async () => {
  const { url } = await serve()
  const taken = await run(['serve', '--port', new URL(url).port, '--store', 'memory'])
  expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining('it is in use')])
  const open = await run(['serve', '--port', '0', '--host', '0.0.0.0'])
  expect([open.code, open.stderr]).toEqual([2, expect.stringContaining('Expected --token')])
  for (const { child, ended } of servers) {
    child.kill('SIGKILL')
    await ended
  }
  const gone = await run(['run', 'fixtures/hello.json', '--server', url])
  expect([gone.code, gone.stdout, gone.stderr]).toEqual([
    1,
    '',
    expect.stringMatching(/^error Cannot reach a server at http:\S+: .*ECONNREFUSED/),
  ])
})
