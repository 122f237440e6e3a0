import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { TOOLS_HINT } from '../../src/cli/render/issue-lines.ts'
import { runCli } from '../../src/cli/commands/program.ts'
import { FakeProcess, run } from './fake-process.ts'

const hello = {
  tasks: [
    { id: 'a', tool: 'echo', arguments: { n: 1 } },
    { id: 'b', tool: 'text:join', arguments: { parts: ['n', '$OUTPUT[a].n'], separator: '=' } },
  ],
}

test('the version and the help are answers', async () => {
  expect(await run(['--version'])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  const help = await run(['--help'])
  expect([help.code, help.stderr, help.stdout.includes('Commands:')]).toEqual([0, '', true])
})

test.each([
  [[], 'Usage: dagstream'],
  [['fly'], "unknown command 'fly'"],
  [['run'], "missing required argument 'file'"],
  [['run', 'a', 'b'], 'too many arguments'],
  [['run', '-', '--fast'], "unknown option '--fast'"],
  [['run', '-', '--json', '--sse'], "'--json' cannot be used with option '--sse'"],
  [['run', '-', '--schedule', 'random'], 'Allowed choices are layers, dataflow.'],
  [['run', '-', '--concurrency', '0'], "argument '0' is invalid. Expected an integer of at least 1."],
  [['run', '-', '--concurrency', '1.5'], 'Expected an integer of at least 1.'],
  [['run', '-', '--timeout', 'abc'], "argument 'abc' is invalid. Expected an integer of at least 1."],
  [['run', '-', '--input', '{a}'], 'Expected JSON. It is not valid JSON at line 1, column 2: unexpected `a}`.'],
  [['run', 'no-such-file.json'], 'Cannot read `no-such-file.json`: there is no such file'],
  [['run', '-', '--tools', './no-such-module.mjs'], 'Cannot load tools from `./no-such-module.mjs`: '],
  [['graph', '-', '--format', 'png'], 'Allowed choices are mermaid, dot.'],
])('%j is refused with the expected form', async (argv, message) => {
  const { code, stdout, stderr } = await run(argv, hello)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(message)
})

test.each([
  [['chat', '- list item'], "chat -- '- list item'", 'prompt'],
  [['chat', '--what is this?'], "chat -- '--what is this?'", 'prompt'],
  [['chat', "--it's"], "chat -- '--it'\\''s'", 'prompt'],
  [['chat', '-Very short, please'], "chat -- '-Very short, please'", 'prompt'],
  [['chat', '--verbose', '- a', '--model', 'm'], "chat -- '- a'", 'prompt'],
  [['chat', `- ${'long '.repeat(100)}`], 'chat -- <prompt>', 'prompt'],
  [['run', '-x.json'], 'run -- -x.json', 'file'],
  [['validate', '--json', '-x.json'], 'validate -- -x.json', 'file'],
  [['graph', '-x.json'], 'graph -- -x.json', 'file'],
  [['watch', '-abc', '--server', 'http://server.test'], 'watch -- -abc', 'id'],
  [['executions', 'show', '-abc'], 'executions show -- -abc', 'id'],
  [['executions', 'cancel', '-abc'], 'executions cancel -- -abc', 'id'],
  [['executions', 'delete', '-abc'], 'executions delete -- -abc', 'id'],
  [['executions', 'resume', '-abc'], 'executions resume -- -abc', 'id'],
  [['executions', 'export', '-abc'], 'executions export -- -abc', 'id'],
  [['executions', 'backup', '-x.db'], 'executions backup -- -x.db', 'file'],
])('%j is refused with how to pass an argument that begins with a dash', async (argv, line, argument) => {
  const { code, stdout, stderr } = await run(argv)
  expect([code, stdout, stderr.split('\n').slice(1)]).toEqual([
    2,
    '',
    [`To pass it as <${argument}>, put flags first, then \`--\`: dagstream ${line}`, ''],
  ])
})

test('after `--` an argument may begin with a dash', async () => {
  const missing = await run(['run', '--json', '--', '-no-such-file.json'])
  expect([missing.code, missing.stderr]).toEqual([2, 'error Cannot read `-no-such-file.json`: there is no such file\n'])
  expect((await run(['chat', '--', '- list item'])).stderr).toContain('There is no key for a language model')
})

test.each([
  [['run', '-', '--fast'], "error: unknown option '--fast'\n"],
  [['tools', '-x'], "error: unknown option '-x'\n"],
  [['executions', '-x'], "error: unknown option '-x'\n"],
])('%j misses no argument, and gets no hint at `--`', async (argv, stderr) => {
  expect(await run(argv, hello)).toEqual({ code: 2, stdout: '', stderr })
})

test('control characters of a command line do not reach the terminal', async () => {
  const { code, stderr } = await run(['\u001b[2Jfly'])
  expect([code, stderr.includes('\u001b'), stderr.includes('\\u001b[2Jfly')]).toEqual([2, false, true])
})

test('a valid workflow is reported to be valid', async () => {
  expect(await run(['validate', '-'], hello)).toEqual({ code: 0, stdout: '', stderr: 'valid -\n' })
  expect(await run(['validate', '-', '--json'], hello)).toEqual({
    code: 0,
    stdout: '{"valid":true,"issues":[],"issueCount":0}\n',
    stderr: '',
  })
})

test('every issue of an invalid workflow is reported, by validate and run alike', async () => {
  const broken = {
    tasks: [
      { id: 'a', tool: 'ecko' },
      { id: 'b', tool: 'echo', dependsOn: ['\u001bx'] },
    ],
  }
  const validated = await run(['validate', '-'], broken)
  expect([validated.code, validated.stdout]).toEqual([2, ''])
  expect(validated.stderr.split('\n')).toEqual([
    expect.stringMatching(/^UNKNOWN_TOOL \/tasks\/0\/tool: .*\(.*`echo`.*\)$/),
    expect.stringMatching(/^UNKNOWN_DEPENDENCY \/tasks\/1\/dependsOn\/0: .*\\u001bx/),
    TOOLS_HINT,
    '',
  ])
  expect(await run(['run', '-', '--json'], broken)).toEqual(validated)
  const asJson = await run(['validate', '-', '--json'], broken)
  expect([asJson.code, asJson.stderr]).toEqual([2, ''])
  expect(JSON.parse(asJson.stdout)).toMatchObject({
    valid: false,
    issueCount: 2,
    issues: [{ code: 'UNKNOWN_TOOL' }, { code: 'UNKNOWN_DEPENDENCY' }],
  })
})

test('where tools come from is explained only if one is missing', async () => {
  for (const command of ['validate', 'run']) {
    const cycle = await run([command, '-'], { tasks: [{ id: 'a', tool: 'echo', dependsOn: ['a'] }] })
    expect([cycle.code, cycle.stderr]).toEqual([2, expect.not.stringContaining('--tools')])
  }
})

test('a workflow that names the model without a key is refused with that cause', async () => {
  for (const command of ['validate', 'run']) {
    const { code, stderr } = await run([command, '-'], { tasks: [{ id: 'a', tool: 'llm:chat' }] })
    expect([code, stderr.split('\n')[0]]).toEqual([
      2,
      expect.stringMatching(
        /^UNKNOWN_TOOL \/tasks\/0\/tool: There is no tool `llm:chat` \(OPENROUTER_API_KEY is not set/,
      ),
    ])
  }
})

test('of more issues than are listed the total is reported', async () => {
  const { code, stderr } = await run(['validate', '-'], {
    tasks: Array.from({ length: 150 }, (_, index) => ({ id: `t${index}`, tool: 'none' })),
  })
  expect([code, stderr.split('\n').slice(100)]).toEqual([
    2,
    ['150 issues in all; the first 100 are shown', TOOLS_HINT, ''],
  ])
})

test('validate looks up what $INPUT refers to when it is given an input', async () => {
  const workflow = { tasks: [{ id: 'a', tool: 'echo', arguments: { topic: '$INPUT.topic' } }] }
  expect((await run(['validate', '-'], workflow)).code).toBe(0)
  expect((await run(['validate', '-', '--input', '{"topic":1}'], workflow)).code).toBe(0)
  const missing = await run(['validate', '-', '--input', '{}'], workflow)
  expect([missing.code, missing.stderr.split(':')[0]]).toEqual([2, 'UNKNOWN_REFERENCE /tasks/0/arguments/topic'])
})

test('a graph is drawn without having its tools', async () => {
  const workflow = {
    tasks: [
      { id: 'a', tool: 'no:such' },
      { id: 'b', tool: 'no:such', arguments: { x: '${OUTPUT[a].x}!' } },
    ],
  }
  expect(await run(['graph', '-'], workflow)).toEqual({
    code: 0,
    stdout: 'flowchart TD\n  t0["a<br/>no:such"]\n  t1["b<br/>no:such"]\n  t0 --> t1\n',
    stderr: '',
  })
  const dot = await run(['graph', '-', '--format', 'dot'], workflow)
  expect([dot.code, dot.stdout.includes('"a" -> "b"')]).toEqual([0, true])
})

test.each([[null], [{ tasks: [null, { id: 'a', tool: 1 }, { id: 'b', tool: '' }] }]])(
  'no graph is drawn of %j',
  async workflow => {
    const { code, stdout, stderr } = await run(['graph', '-'], workflow)
    expect([code, stdout, stderr.startsWith('INVALID_SHAPE ')]).toEqual([2, '', true])
  },
)

test('the tools that can be named are listed', async () => {
  const { code, stdout } = await run(['tools'])
  expect([code, stdout.match(/^\S+/gm)]).toEqual([0, ['human:ask', 'echo', 'wait', 'fail', 'text:join', 'http:get']])
  expect(stdout).toContain(`\n    ms     number, required\n    value  any\n`)
  const json = await run(['tools', '--json', '--tools', 'fixtures/repository-tools.mjs'])
  const tools = JSON.parse(json.stdout) as { name: string }[]
  expect(tools.find(({ name }) => name === 'files:list')).toEqual({
    name: 'files:list',
    description: 'Lists the files under a folder of the repository, sorted.',
    inputSchema: {
      type: 'object',
      properties: { folder: { type: 'string', minLength: 1, maxLength: 1000 } },
      required: ['folder'],
      additionalProperties: false,
    },
    limit: 8,
    readOnly: true,
  })
})

test('a result that cannot be written is a failure; a reader that has left is none', async () => {
  const full = new FakeProcess('tools')
  full.stdout.failure = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  expect([await runCli(full), full.stderr.text]).toEqual([
    1,
    'Cannot write to standard output: no space left on device\n',
  ])
  const left = new FakeProcess('tools')
  left.stdout.failure = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
  expect([await runCli(left), left.stderr.text]).toEqual([0, ''])
})
