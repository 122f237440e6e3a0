import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { saySix, startModel } from '../cli/chat-rig.ts'
import { type Ended, end, expectBuild, root, start } from './program.ts'

beforeAll(expectBuild)

test('a piece of the answer is on stdout before the model has written the next', async () => {
  const model = await startModel()
  const child = start(['chat', 'hi', '--stream', '--verbose'], '', model.env)
  const ended = end(child)
  const call = await model.nextCall()
  const first = once(child.stdout as NodeJS.ReadableStream, 'data')
  call.say('One')
  expect(await first).toEqual(['One'])
  call.say(', two')
  call.end(1234, 5678, 0.0965)
  const { code, stdout, stderr } = await ended
  expect([code, stdout, stderr.includes('Token usage: 1,234 in, 5,678 out, $0.0965\n')]).toEqual([
    0,
    'One, two\n',
    true,
  ])
})

// Windows has no signals: there Ctrl-C cannot be sent by a program.
test.skipIf(process.platform === 'win32')('Ctrl-C ends it with 130 and reports the usage', async () => {
  const model = await startModel()
  const child = start(['chat', 'hi', '--stream'], '', model.env)
  child.stdout?.once('data', () => child.kill('SIGINT'))
  const ended = end(child)
  const call = await model.nextCall()
  call.tellUsage(7, 3)
  call.say('One')
  const { code, stdout, stderr } = await ended
  expect([code, stdout, stderr.includes('Token usage: 7 in, 3 out\n')]).toEqual([130, 'One\n', true])
})

/** Starts a server whose chat tool has this key. @returns its URL */
async function serve(env: Record<string, string>): Promise<string> {
  const child = start(['serve', '--port', '0', '--store', 'memory'], '', env)
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  for await (const chunk of child.stderr as AsyncIterable<Buffer>) {
    said += chunk.toString()
    const url = /listens on (\S+)/.exec(said)?.[1]
    if (url !== undefined) return url
  }
  throw new Error(`Expected the server to listen, got ${said}`)
}

test('the example of a client shows the usage of a server with a key', async () => {
  const model = await startModel(saySix)
  const url = await serve(model.env)
  const argv = ['docs/examples/api-client.js', '--stream', '--verbose', 'what is 3+3?', '--mode', 'code']
  const run = (...more: string[]): Promise<Ended> =>
    end(spawn(process.execPath, [...argv, ...more, '--server', url], { cwd: root }))
  const { code, stdout, stderr } = await run()
  expect([code, stdout]).toEqual([0, 'Six.\n'])
  expect(stderr).toMatch(/^First token \d+ms.*\nModel m, attempts 1\nToken usage: 1,234 in, 5,678 out, \$0\.0965\n/)
  expect(model.bodies).toMatchObject([{ messages: [{ role: 'system' }, { role: 'user', content: 'what is 3+3?' }] }])
  expect((await run('--mode', 'poet')).code).toBe(2)
})
