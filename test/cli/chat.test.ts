import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { chat, chatProcess, KEY, type ModelCall, saySix, startModel, untilWritten } from './chat-rig.ts'
import { FakeProcess } from './fake-process.ts'

const COST = /^Token usage: 1,234 in, 5,678 out, \$0\.0965\nTime: [\d.]+m?s\n$/

test('the answer goes to stdout, usage and time to stderr', async () => {
  const model = await startModel(saySix)
  const { code, stdout, stderr } = await chat(model.env, 'what is 3+3?')
  expect([code, stdout]).toEqual([0, 'Six.\n'])
  expect(stderr).toMatch(COST)
  expect(model.bodies).toMatchObject([
    { model: 'openrouter/auto', messages: [{ role: 'user', content: 'what is 3+3?' }], stream: true },
  ])
})

test('--hide-token-usage leaves out tokens and cost', async () => {
  const model = await startModel(saySix)
  const { code, stderr } = await chat(model.env, 'hi', '--hide-token-usage')
  expect([code, /^Time: [\d.]+m?s\n$/.test(stderr)]).toEqual([0, true])
})

test('--verbose reports model, speed and attempts', async () => {
  const model = await startModel()
  const process = chatProcess(model.env, 'hi', '--verbose', '--stream')
  const ended = runCli(process)
  const call = await model.nextCall()
  call.say('Si')
  await untilWritten(process.stdout, 'Si')
  // Time between the first and the last token, which is what speed is measured by.
  await new Promise(resolve => setTimeout(resolve, 5))
  call.say('x.')
  call.end(1, 1)
  expect(await ended).toBe(0)
  expect(process.stderr.text.split('\n')[0]).toMatch(
    /^Model: m · first token [\d.]+m?s · [\d.]+ tokens\/s · 1 attempt, 0 retries$/,
  )
})

test('--verbose reports no speed where there is none', async () => {
  const model = await startModel(({ say, end }) => {
    say('Six.')
    end(1, 1)
  })
  const { stderr } = await chat(model.env, 'hi', '--verbose')
  expect(stderr.split('\n')[0]).toMatch(/^Model: m · first token [\d.]+m?s · 1 attempt, 0 retries$/)
})

test('a prompt that reads like a reference is sent as it is', async () => {
  const model = await startModel(saySix)
  const prompt = 'what do $INPUT.x, $OUTPUT[a], ${OUTPUT[ and $$ mean?'
  expect((await chat(model.env, prompt)).code).toBe(0)
  expect(model.bodies[0]?.['messages']).toEqual([{ role: 'user', content: prompt }])
})

test('with --stream a piece of the answer is printed while the next is not written yet', async () => {
  const model = await startModel()
  const process = chatProcess(model.env, 'hi', '--stream')
  const ended = runCli(process)
  const call = await model.nextCall()
  call.say('One')
  await untilWritten(process.stdout, 'One')
  expect(process.stdout.text).toBe('One')
  call.say(', two\n')
  call.end(1, 1)
  expect([await ended, process.stdout.text]).toEqual([0, 'One, two\n'])
})

test('a terminal shows the answer while it is written, and --no-stream shows it at the end', async () => {
  const model = await startModel()
  for (const [flags, seen] of [
    [[], 'On'],
    [['--no-stream'], ''],
  ] as const) {
    const process = chatProcess(model.env, 'hi', ...flags)
    process.stdout.isTTY = true
    const ended = runCli(process)
    const call = await model.nextCall()
    call.say('On')
    if (seen !== '') await untilWritten(process.stdout, seen)
    expect(process.stdout.text).toBe(seen)
    call.say('e\u001b[2J')
    call.end(1, 1)
    expect([await ended, process.stdout.text]).toEqual([0, 'One\\u001b[2J\n'])
  }
})

const failFirst = (): ((call: ModelCall) => void) => {
  let count = 0
  return call => {
    count += 1
    if (count > 1) return saySix(call)
    call.say('Sev')
    call.tellUsage(1000, 1, 0.5)
    call.response.write('data: {"error":{"code":503,"message":"overloaded"}}\n\n')
    call.response.end()
  }
}

test('a retry erases the text of the failed attempt on a terminal, and its usage counts', async () => {
  const model = await startModel(failFirst())
  const process = chatProcess(model.env, 'hi', '--verbose')
  Object.assign(process.stdout, { isTTY: true, columns: 80, rows: 24 })
  expect(await runCli(process)).toBe(0)
  expect(process.stdout.text).toBe('Sev\r\u001b[JSix.\n')
  expect(process.stderr.text).toContain('attempt 1 failed with PROVIDER_UNAVAILABLE')
  expect(process.stderr.text).toContain('2 attempts, 1 retry\nToken usage: 2,234 in, 5,679 out, $0.5965\n')
})

test('a pipe gets a note that the answer restarts, and without --stream only the final answer', async () => {
  const streamed = await chat((await startModel(failFirst())).env, 'hi', '--stream')
  expect([streamed.code, streamed.stdout]).toEqual([0, 'Sev\nSix.\n'])
  expect(streamed.stderr).toContain('Discard the text above: the answer restarts\n')
  const whole = await chat((await startModel(failFirst())).env, 'hi')
  expect([whole.code, whole.stdout, whole.stderr.split('\n')[0]]).toEqual([
    0,
    'Six.\n',
    'Token usage: 2,234 in, 5,679 out, $0.5965',
  ])
})

test('Ctrl-C cancels, closes the connection to the model, and reports the usage', async () => {
  const model = await startModel()
  const process = chatProcess(model.env, 'hi', '--stream')
  const ended = runCli(process)
  const call = await model.nextCall()
  const closed = new Promise(resolve => call.response.on('close', resolve))
  call.tellUsage(7, 3)
  call.say('One')
  await untilWritten(process.stdout, 'One')
  process.interrupt()
  expect([await ended, process.stdout.text]).toEqual([130, 'One\n'])
  await closed
  expect(process.stderr.text).toMatch(
    /^Cancelling; press Ctrl-C again to exit at once\nerror CANCELLED: Interrupted\nToken usage: 7 in, 3 out\nTime: /,
  )
})

test('a failure reports its code and the usage that came before it', async () => {
  const model = await startModel(call => {
    call.say('One')
    call.tellUsage(7, 3, 0.25)
    call.response.write('data: {"error":{"code":402,"message":"no credits"}}\n\n')
    call.response.end()
  })
  const { code, stdout, stderr } = await chat(model.env, 'hi', '--stream')
  expect([code, stdout]).toEqual([1, 'One\n'])
  expect(stderr).toMatch(/^error INSUFFICIENT_QUOTA: .*\nToken usage: 7 in, 3 out, \$0\.2500\nTime: /)
  const refused = await startModel(({ response }) => void response.writeHead(401).end())
  const { code: refusedCode, stdout: nothing, stderr: why } = await chat(refused.env, 'hi')
  expect([refusedCode, nothing, why.includes(KEY)]).toEqual([1, '', false])
  expect(why).toMatch(/^error AUTHENTICATION_FAILED: .*\nToken usage: not reported\nTime: /)
})

test('with a key `llm:chat` is a built-in tool of every command', async () => {
  const listed = []
  for (const env of [{}, { OPENROUTER_API_KEY: KEY }]) {
    const process = Object.assign(new FakeProcess('tools'), { env })
    await runCli(process)
    listed.push([process.stdout.text.includes('llm:chat'), process.stdout.text.includes(KEY)])
  }
  expect(listed).toEqual([
    [false, false],
    [true, false],
  ])
})

test('an invalid base URL fails only the tasks that call the model', async () => {
  const env = { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: 'ftp://user:secret@x' }
  const runWith = async (argv: string[], tool: string): Promise<FakeProcess & { code: number }> => {
    const process = Object.assign(new FakeProcess(...argv), { env })
    process.stdin = Readable.from([JSON.stringify({ tasks: [{ id: 'a', tool, arguments: { prompt: 'hi' } }] })])
    return Object.assign(process, { code: await runCli(process) })
  }
  for (const argv of [['run', '-'], ['validate', '-'], ['tools']]) expect((await runWith(argv, 'echo')).code).toBe(0)
  const { code, stderr } = await runWith(['run', '-'], 'llm:chat')
  expect([code, stderr.text]).toEqual([1, expect.stringContaining('INVALID_REQUEST: Expected OPENROUTER_BASE_URL')])
  expect(stderr.text).not.toContain('secret')
})

test('a reader that leaves cancels at the next write', async () => {
  const model = await startModel()
  const process = chatProcess(model.env, 'hi', '--stream')
  const ended = runCli(process)
  const call = await model.nextCall()
  process.stdout.failure = Object.assign(new Error('gone'), { code: 'EPIPE' })
  call.say('One')
  expect([await ended, process.stdout.text]).toEqual([130, ''])
})

test.each<[argv: string[], env: Record<string, string>, message: string]>([
  [
    ['hi'],
    {},
    'There is no key for a language model: set OPENROUTER_API_KEY, to any value for an endpoint that needs none, or give --server\n',
  ],
  [['hi'], { OPENROUTER_API_KEY: ' ' }, 'set OPENROUTER_API_KEY'],
  [['hi'], { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: 'ftp://x' }, 'Expected OPENROUTER_BASE_URL to be an http'],
  [[''], { OPENROUTER_API_KEY: KEY }, 'Expected a non-empty prompt'],
  [['hi', '--model', ''], { OPENROUTER_API_KEY: KEY }, 'Expected --model to be the name of a model'],
  [['hi', '--token', 'x'], { OPENROUTER_API_KEY: KEY }, 'Expected --server with --token'],
  [[], {}, "missing required argument 'prompt'"],
])('%j is refused before anything is sent', async (argv, env, message) => {
  const { code, stdout, stderr } = await chat(env, ...argv)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(message)
  expect(stderr).not.toContain('Token usage')
})
