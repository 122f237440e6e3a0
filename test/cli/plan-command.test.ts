import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { type ModelCall, startModel } from './chat-rig.ts'
import { makeFolder, processIn } from './store-rig.ts'

const A = '{"id":"a","tool":"look","arguments":{}}'
const B = '{"id":"b","tool":"note","arguments":{"text":"$OUTPUT[a]"}}'

interface Planned {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function runPlan(env: Record<string, string>, ...args: readonly string[]): Promise<Planned> {
  const cwd = makeFolder()
  writeFileSync(
    join(cwd, 'tools.mjs'),
    `export default { look: { readOnly: true, execute: () => 'seen' }, note: { execute: ({ text }) => 'noted ' + text } }`,
  )
  const process = processIn(cwd, ['plan', 'Look and note', '--tools', './tools.mjs', ...args])
  Object.assign(process.env, env)
  return { code: await runCli(process), stdout: process.stdout.text, stderr: process.stderr.text }
}

/** Answers one after the other. */
const answering = (...answers: readonly string[]): ((call: ModelCall) => void) => {
  const left = [...answers]
  return ({ say, end }) => {
    for (const piece of (left.shift() ?? '').match(/[^]{1,9}/g) ?? []) say(piece)
    end(100, 10)
  }
}

test('plan --dry-run prints the tasks and runs nothing', async () => {
  const model = await startModel(answering(`Here you are:\n\`\`\`json\n[${A},\n${B}]\n\`\`\``))
  const { code, stdout, stderr } = await runPlan(model.env, '--dry-run')
  expect([code, stdout]).toEqual([0, `${A}\n${B}\n{"seal":true}\n`])
  expect(stderr).toBe('Plan: Token usage: 100 in, 10 out\n')
  const [{ messages } = {}] = model.bodies as { messages?: { role: string; content: string }[] }[]
  expect(messages?.map(({ role }) => role)).toEqual(['system', 'user'])
  expect(messages?.[0]?.content).toContain('- look (read-only)')
  expect(messages?.[1]?.content).toBe('Look and note')
})

test('plan runs the tasks, and asks the model again for a refused line', async () => {
  const model = await startModel(answering(`${A}\n${B.replace('note', 'nte')}`, B))
  const { code, stdout, stderr } = await runPlan(model.env, '--json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    status: 'success',
    results: [{ output: 'seen' }, { output: 'noted seen' }],
  })
  expect(stderr).toContain('Asking the model again for 1 refused line\n')
  expect(stderr).toContain('Plan: Token usage: 200 in, 20 out\n')
})

test('a plan that stays invalid ends with its problem', async () => {
  const model = await startModel(answering(A, A, A))
  const bad = await startModel(answering('{"id":"a","tool":"lok"}', '{"id":"a","tool":"lok"}'))
  expect((await runPlan(model.env, '--dry-run')).code).toBe(0)
  const { code, stdout, stderr } = await runPlan(bad.env, '--dry-run', '--repairs', '1')
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain('UNKNOWN_TOOL')
  expect(stderr).toContain('Did you mean `look`?')
})

test('a plan that breaks off while it runs is reported', async () => {
  const bad = await startModel(answering(`${A}\n{"id":"x","tool":"lok"}`))
  const { code, stderr } = await runPlan(bad.env, '--repairs', '0')
  expect(code).toBe(2)
  expect(stderr).toContain('UNKNOWN_TOOL')
})

test('an answer without a task ends with an error that says so', async () => {
  const model = await startModel(answering('I cannot do that.', 'I cannot do that.'))
  const { code, stderr } = await runPlan(model.env, '--dry-run', '--repairs', '1')
  expect(code).toBe(2)
  expect(stderr).toContain('error The model wrote no valid plan: the answer has no task\n')
})

test('a failure of the endpoint that may pass is waited for, and the model asked for what is missing', async () => {
  let count = 0
  const model = await startModel(({ say, end, drop, response }) => {
    count += 1
    if (count === 1) response.writeHead(429, { 'retry-after': '0' }).end('{}')
    else if (count === 2) {
      say(`${A}\n`)
      // The headers and the line have been sent.
      setImmediate(drop)
    } else {
      say(B)
      end(100, 10)
    }
  })
  const { code, stdout, stderr } = await runPlan(model.env, '--dry-run')
  expect([code, stdout, count]).toEqual([0, `${A}\n${B}\n{"seal":true}\n`, 3])
  expect(stderr).toMatch(
    /^The provider answered 429.*: asking the model again in .*\n.*: asking the model again in .*\nPlan: /,
  )
  const last = model.bodies.at(-1) as { messages: { content: string }[] }
  expect(last.messages[1]?.content).toContain(`These tasks of it were accepted: do not write them again.\n${A}`)
})

test('an endpoint that keeps failing ends the command', async () => {
  const model = await startModel(({ response }) => void response.writeHead(401).end('{}'))
  const { code, stderr } = await runPlan(model.env, '--dry-run')
  expect([code, model.bodies.length]).toEqual([1, 1])
  expect(stderr).toContain('error The provider answered 401')
})

test('a tool that writes does not start before the plan is complete, which `--eager all` allows', async () => {
  const first = '{"id":"a","tool":"note","arguments":{"text":"x"}}'
  const bad = await startModel(answering(`${first}\n{"id":"x","tool":"lok"}`))
  const { stdout } = await runPlan(bad.env, '--repairs', '0', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ status: 'cancelled', results: [{ taskId: 'a', attempts: 0 }] })
  const good = await startModel(answering(first))
  expect(await runPlan(good.env, '--eager', 'all')).toMatchObject({ code: 0, stdout: 'noted x\n' })
})

test('without a key, and for flags that contradict each other, it is refused', async () => {
  expect(await runPlan({})).toMatchObject({ code: 2, stderr: expect.stringContaining('OPENROUTER_API_KEY') })
  const flags = await runPlan({}, '--dry-run', '--json')
  expect(flags).toMatchObject({ code: 2, stderr: expect.stringContaining('Expected --dry-run without') })
})
