import { once } from 'node:events'
import { beforeAll, expect, test } from 'vitest'
import { end, expectBuild, run, start } from './program.ts'

beforeAll(expectBuild)

const slow = JSON.stringify({ tasks: [{ id: 'a', tool: 'wait', arguments: { ms: 60_000 } }] })

test('a workflow is piped in and its output piped on', async () => {
  const { code, stdout, stderr } = await run(
    ['run', '-'],
    JSON.stringify({ tasks: [{ id: 'a', tool: 'text:join', arguments: { parts: ['piped'] } }] }),
  )
  expect([code, stdout, stderr.split('\n')[1]]).toEqual([0, 'piped\n', expect.stringMatching(/^success 1 task/)])
})

test.each([
  [0, ['run', 'fixtures/hello.json']],
  [1, ['run', 'fixtures/failing.json']],
  [2, ['run', 'no-such-file.json']],
  [2, ['fly']],
  [0, ['validate', 'fixtures/hello.json']],
  [2, ['validate', 'package.json']],
  [0, ['graph', 'fixtures/hello.json']],
  [0, ['--help']],
] as const)('the exit code is %i after %j', async (code, argv) => {
  const ended = await run(argv)
  expect([ended.code, /\n +at /.test(ended.stderr)]).toEqual([code, false])
})

test('--sse writes messages as the standard has them, the first long before the last', async () => {
  const child = start(['run', 'fixtures/hello.json', '--sse'])
  let text = ''
  let firstAt = 0
  child.stdout?.on('data', (chunk: Buffer) => {
    firstAt ||= performance.now()
    text += chunk.toString()
  })
  const [code] = (await once(child, 'close')) as [number]
  // The workflow waits for 300 ms in the middle.
  expect(performance.now() - firstAt).toBeGreaterThan(200)
  const messages = text.split('\n\n')
  expect([code, messages.pop()]).toEqual([0, ''])
  for (const [index, message] of messages.entries()) {
    const [id, event, data, ...rest] = message.split('\n')
    expect([id, event, rest]).toEqual([
      expect.stringMatching(new RegExp(`^id: [\\w-]+\\.${index + 1}$`)),
      expect.stringMatching(/^event: [a-z_]+$/),
      [],
    ])
    expect(JSON.parse(data?.replace(/^data: /, '') ?? '')).toMatchObject({ executionId: expect.any(String) })
  }
  expect(messages.at(-1)).toContain('event: execution_complete\n')
})

// Windows has no signals: there Ctrl-C cannot be sent by a program.
test.skipIf(process.platform === 'win32').each(['SIGINT', 'SIGTERM'] as const)(
  '%s cancels, and the result is still printed whole',
  async signal => {
    const child = start(['run', '-', '--sse'], slow)
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.includes('event: task_start')) child.kill(signal)
    })
    const { code, stdout, stderr } = await end(child)
    expect([code, stdout.includes('event: execution_complete\n'), stderr.includes('CANCELLED: Interrupted\n')]).toEqual(
      [130, true, true],
    )
  },
)

test('a reader that leaves ends the program quietly', async () => {
  // That it has left shows when there is something to write again.
  const tasks = [
    { id: 'a', tool: 'wait', arguments: { ms: 300 } },
    { id: 'b', tool: 'wait', arguments: { ms: 60_000 }, dependsOn: ['a'] },
  ]
  const child = start(['run', '-', '--sse'], JSON.stringify({ tasks }))
  child.stdout?.once('data', () => child.stdout?.destroy())
  const workflow = await end(child)
  expect([workflow.code, workflow.stderr.includes('EPIPE'), workflow.stderr.includes('cancelled')]).toEqual([
    130,
    false,
    false,
  ])

  const result = start(['tools'])
  result.stdout?.destroy()
  expect(await end(result)).toMatchObject({ code: 0, stderr: '' })
})

test('a large result reaches a slow pipe whole', async () => {
  const value = 'x'.repeat(5_000_000)
  const { code, stdout } = await run(
    ['run', '-', '--json'],
    JSON.stringify({ tasks: [{ id: 'a', tool: 'echo', arguments: { value } }] }),
  )
  expect([code, (JSON.parse(stdout) as { results: { output: unknown }[] }).results[0]?.output]).toEqual([0, { value }])
})

test('open handles of tools do not keep the process alive', async () => {
  const module = 'data:text/javascript,export default { leave() { setInterval(() => {}, 1000) } }'
  const ended = await run(['run', '-', '--tools', module], JSON.stringify({ tasks: [{ id: 'a', tool: 'leave' }] }))
  expect([ended.code, ended.stdout]).toEqual([0, 'null\n'])
})
