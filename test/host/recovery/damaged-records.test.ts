import { cpSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { createFileHost } from '../../../src/cli/target/file-host.ts'
import { type DagstreamError, parseJson } from '../../../src/index.ts'
import { loadDriver } from '../../../src/store/sqlite/driver.ts'
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite/index.ts'
import { SERVER, startFakeServer } from '../../cli/remote-rig.ts'
import { leaveUnfinished, makeFolder, type Ran, runIn } from '../../cli/store-rig.ts'
import { handlerRig } from '../../http/handler/handler-rig.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

const TASK = { id: 'a', tool: 'work' }
const TOOLS = { work: () => 1 }

/** The commands that a table names, in its order. */
const COMMANDS = ['show', 'events', 'resume', 'cancel', 'delete'] as const
type Command = (typeof COMMANDS)[number]

/** The code of each command; `"done"` for a success. */
type Codes = readonly [show: string, events: string, resume: string, cancel: string, remove: string]

const UNUSABLE: Codes = ['RECORD_UNUSABLE', 'RECORD_UNUSABLE', 'RECORD_UNUSABLE', 'RECORD_UNUSABLE', 'done']
const SOUND: Codes = ['done', 'done', 'done', 'done', 'EXECUTION_RUNNING']
/** Of an ended execution: only a reader meets the damage. */
const UNREADABLE: Codes = ['RECORD_UNUSABLE', 'RECORD_UNUSABLE', 'EXECUTION_ENDED', 'done', 'done']
const ENDED: Codes = ['done', 'done', 'EXECUTION_ENDED', 'done', 'done']

/** The seq in the place of an event. */
const SEQ = 'place & 4294967295'
const LAST = '(SELECT max(place) FROM events)'

/** Damages of the file, each as the statement that makes it. */
const UNFINISHED: readonly (readonly [string, string, Codes])[] = [
  ['a workflow that is not JSON', setRequest('workflow', '{"tasks":'), UNUSABLE],
  ['a workflow that is null', setRequest('workflow', 'null'), UNUSABLE],
  ['a workflow without tasks', setRequest('workflow', '{"name":"x"}'), UNUSABLE],
  ['a workflow with a task that is null', setRequest('workflow', '{"tasks":[null]}'), UNUSABLE],
  ['no workflow', 'UPDATE requests SET workflow = NULL', UNUSABLE],
  ['a workflow that fails its checks', setRequest('workflow', JSON.stringify({ tasks: [TASK, TASK] })), UNUSABLE],
  [
    'a workflow with a cycle',
    setRequest(
      'workflow',
      JSON.stringify({
        tasks: [
          { ...TASK, dependsOn: ['b'] },
          { ...TASK, id: 'b', dependsOn: ['a'] },
        ],
      }),
    ),
    UNUSABLE,
  ],
  ['an input that is not JSON', setRequest('input', '{'), UNUSABLE],
  ['options that are not JSON', setRequest('options', '{'), UNUSABLE],
  ['options that are no object', setRequest('options', 'null'), UNUSABLE],
  ['options of a later version', setRequest('options', '{"schedule":"later"}'), UNUSABLE],
  ['events that are not JSON', `UPDATE events SET json = '{'`, UNUSABLE],
  ['an event that is no object', `UPDATE events SET json = '[]' WHERE ${SEQ} = 2`, UNUSABLE],
  ['a first event without layers', dropField(1, 'layers'), UNUSABLE],
  ['an event without a time', dropField(2, 'timestamp'), UNUSABLE],
  ['a start without its attempt', dropField(2, 'attempt'), UNUSABLE],
  ['an event of another execution', setField(2, 'executionId', 'other'), UNUSABLE],
  ['a gap in the log', `DELETE FROM events WHERE ${SEQ} = 1`, UNUSABLE],
  ['a parked execution whose reason is not JSON', parkWith('{'), UNUSABLE],
  ['a log that lost its last event', `DELETE FROM events WHERE place = ${LAST}`, SOUND],
  ['a log that lost all events', 'DELETE FROM events', SOUND],
  [
    'an event of a later version',
    addEvent('later', `'{"executionId":"' || id || '","timestamp":"2026-01-01T00:00:00.000Z"}'`),
    SOUND,
  ],
  ['a field of a later version', setField(2, 'later', 'x'), SOUND],
  ['no damage', 'SELECT 1', SOUND],
  ['an end that the log has not', `UPDATE executions SET status = 'success', ended_at = 4000000000000`, UNREADABLE],
]

const FINISHED: readonly (readonly [string, string, Codes])[] = [
  [
    'a workflow that is not JSON',
    setRequest('workflow', '{'),
    ['RECORD_UNUSABLE', 'done', 'EXECUTION_ENDED', 'done', 'done'],
  ],
  [
    'a workflow of other tasks',
    setRequest('workflow', JSON.stringify({ tasks: [{ ...TASK, id: 'other' }] })),
    ['RECORD_UNUSABLE', 'done', 'EXECUTION_ENDED', 'done', 'done'],
  ],
  ['events that are not JSON', `UPDATE events SET json = '{'`, UNREADABLE],
  ['an end without its status', dropField(4, 'status'), UNREADABLE],
  ['a log that lost its end', `DELETE FROM events WHERE place = ${LAST}`, UNREADABLE],
  ['a gap in the log', `DELETE FROM events WHERE ${SEQ} = 2`, UNREADABLE],
  ['options that are not JSON', setRequest('options', '{'), ENDED],
  ['no damage', 'SELECT 1', ENDED],
]

function setRequest(column: string, text: string): string {
  return `UPDATE requests SET ${column} = '${text}'`
}

function dropField(seq: number, field: string): string {
  return `UPDATE events SET json = json_remove(json, '$.${field}') WHERE ${SEQ} = ${seq}`
}

function setField(seq: number, field: string, value: string): string {
  return `UPDATE events SET json = json_set(json, '$.${field}', '${value}') WHERE ${SEQ} = ${seq}`
}

/** Adds an event behind the last one. @param json an expression of SQL; `id` is that of the execution */
function addEvent(type: string, json: string): string {
  return `INSERT INTO events (place, type, json) SELECT ${LAST} + 1, '${type}', ${json} FROM executions`
}

function parkWith(json: string): string {
  return `UPDATE executions SET status = 'parked'; ${addEvent('execution_parked', `'${json}'`)}`
}

/** A file with one execution. @param count how many events its log has */
async function leave(count: number, statement: string): Promise<{ file: string; id: string }> {
  const file = join(makeFolder(), 'runs.db')
  const id = await leaveUnfinished(file, { tasks: [TASK] }, TOOLS, count)
  const connection = (await loadDriver()).open(file)
  connection.exec(statement)
  connection.close()
  return { file, id }
}

/** A copy of the file, and of its write-ahead log, in a folder of its own. */
function copy(file: string): string {
  const folder = makeFolder()
  cpSync(dirname(file), folder, { recursive: true })
  return folder
}

/** The code of a command by the routes of a server that opens the file. */
async function codeByRoute(store: SqliteStore, command: Command, id: string): Promise<string> {
  const rig = handlerRig({ store, tools: TOOLS })
  const [method, path] = {
    show: ['GET', ''],
    events: ['GET', '/events'],
    resume: ['POST', '/resume'],
    cancel: ['POST', '/cancel'],
    delete: ['DELETE', ''],
  }[command] as [string, string]
  const response = await rig.send(method, `/executions/${id}${path}`, { headers: { Accept: '*/*' } })
  const text = await response.text()
  await rig.handler.close()
  if (command === 'events' && response.ok) return /^event: error\ndata: .*"code":"(\w+)"/m.exec(text)?.[1] ?? 'done'
  const body = (text === '' ? {} : parseJson(text)) as { code?: string; parked?: { code: string } }
  return (response.ok ? body.parked?.code : body.code) ?? 'done'
}

/** The code of a command by a host without a server. */
async function codeByHost(store: SqliteStore, command: Command, id: string): Promise<string> {
  const host = createFileHost(store, TOOLS)
  try {
    switch (command) {
      case 'show': {
        const hosted = await host.find(id)
        return hosted?.taskIds === undefined ? 'none' : (hosted.parked?.code ?? 'done')
      }
      case 'events': {
        const ending = (await host.find(id))?.log.ending
        const code = typeof ending === 'object' ? ending.data.code : 'done'
        // This host resumes nothing unasked.
        return code === 'INTERRUPTED' ? 'done' : code
      }
      case 'cancel':
        await host.commands.cancel(id, { code: 'CANCELLED', message: 'x' })
        return 'done'
      default:
        await host.commands[command](id)
        return 'done'
    }
  } catch (error) {
    return (error as DagstreamError).code
  } finally {
    await host.close()
  }
}

/** What the command line says for each code. */
const SAID: readonly (readonly [string, RegExp])[] = [
  ['RECORD_UNUSABLE', /the execution can only be deleted/],
  ['EXECUTION_ENDED', /has ended: |The execution has ended/],
  ['EXECUTION_RUNNING', /has not ended; cancel it first/],
]

function codeOfLine({ code, stdout, stderr }: Ran): string {
  const said = `${stdout}${stderr}`
  const found = SAID.find(([, pattern]) => pattern.test(said))?.[0]
  if (found === 'RECORD_UNUSABLE' || (code === 1 && found !== undefined)) return found
  // Without the tool that it needs, `resume` of a sound record is a fault of usage.
  const isSound = code === 0 || (code === 2 && said.includes('There is no tool `work`'))
  return isSound ? 'done' : `exit ${code}: ${said}`
}

/** The code of a command by the command line: `watch` for events, on a server that opens the file. */
async function codeByLine(folder: string, command: Command, id: string): Promise<string> {
  if (command !== 'events') return codeOfLine(await runIn(folder, `executions ${command} ${id} --store runs.db`))
  const store = await openSqliteStore(join(folder, 'runs.db'))
  const { handler } = startFakeServer({ store, tools: TOOLS })
  const ran = await runIn(folder, `watch ${id} --server ${SERVER}`)
  await handler.close()
  await store.close()
  return codeOfLine(ran)
}

const CASES = [
  ...UNFINISHED.map(([name, statement, codes]) => ['unfinished', name, 2, statement, codes] as const),
  ...FINISHED.map(([name, statement, codes]) => ['finished', name, 4, statement, codes] as const),
]

test.each(CASES)('%s, %s: the same code by route, by host and by command line', async (...row) => {
  const [, , count, statement, expected] = row
  const { file, id } = await leave(count, statement)
  for (const [at, command] of COMMANDS.entries()) {
    const found: Record<string, string> = {}
    for (const [name, ask] of Object.entries({ route: codeByRoute, host: codeByHost })) {
      const store = await openSqliteStore(join(copy(file), 'runs.db'))
      found[name] = await ask(store, command, id)
      await store.close()
    }
    found['line'] = await codeByLine(copy(file), command, id)
    const code = expected[at]
    // `watch` shows the result, too.
    const line = command === 'events' && code === 'done' ? expected[0] : code
    expect({ command, ...found }).toEqual({ command, route: code, host: code, line })
  }
})
