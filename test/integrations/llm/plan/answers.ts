import type { Answer } from './plan-rig.ts'

/** An answer, or one and its repairs, and what becomes of it. */
export interface AnswerCase {
  readonly name: string
  readonly answers: readonly (string | Answer)[]
  /** Ids of the accepted tasks, in their order. */
  readonly ids: readonly string[]
  /** Number of requests to the model. @defaultValue that of the answers */
  readonly requests?: number
  /** Codes of the remaining problems; absent for a valid plan. */
  readonly codes?: readonly string[]
}

const A = '{"id":"a","tool":"search","arguments":{"query":"x"}}'
const B = '{"id":"b","tool":"write","dependsOn":["a"],"arguments":{"text":"$OUTPUT[a]"}}'
const C = '{"id":"c","tool":"write","dependsOn":["b"]}'
const SEAL = '{"seal": true}'
const lines = (...all: readonly string[]): string => all.join('\n')

/** Tolerance of what models write around the lines. */
const AROUND: readonly AnswerCase[] = [
  { name: 'lines as asked', answers: [lines(A, B, SEAL)], ids: ['a', 'b'] },
  { name: 'no seal', answers: [lines(A, B)], ids: ['a', 'b'] },
  { name: 'CRLF and blank lines', answers: [`\r\n${A}\r\n\r\n${B}\r\n${SEAL}\r\n`], ids: ['a', 'b'] },
  { name: 'a fence', answers: [lines('```', A, B, SEAL, '```')], ids: ['a', 'b'] },
  { name: 'a fence with a language', answers: [lines('```jsonl', A, B, '```')], ids: ['a', 'b'] },
  { name: 'one fence per line', answers: [lines('```json', A, '```', '```json', B, '```')], ids: ['a', 'b'] },
  { name: 'a leading sentence', answers: [lines('Here is the plan:', '', A, B, SEAL)], ids: ['a', 'b'] },
  {
    name: 'a sentence between and behind',
    answers: [lines(A, 'Then I write:', B, SEAL, 'Done {or not}!')],
    ids: ['a', 'b'],
  },
  {
    name: 'a sentence with braces',
    answers: [lines('The form {id, tool} and {"like": "this"} is used.', A)],
    ids: ['a'],
  },
  { name: 'reasoning', answers: [lines('<think>First {"id":"no","tool":"write"}', '</think>', A, B)], ids: ['a', 'b'] },
  {
    name: 'other tags of reasoning',
    answers: [
      lines('<Thinking>{"id":"no","tool":"write"}</Thinking><reasoning>', '{"id":"no","tool":"write"}</reasoning>', A),
    ],
    ids: ['a'],
  },
  { name: 'an array', answers: [`[${A},${B}]`], ids: ['a', 'b'] },
  { name: 'an array over lines', answers: [lines('[', `  ${A},`, `  ${B}`, ']')], ids: ['a', 'b'] },
  { name: 'commas behind lines', answers: [lines(`${A},`, `${B},`)], ids: ['a', 'b'] },
  { name: 'a numbered list', answers: [lines(`1. ${A}`, `2. ${B}`)], ids: ['a', 'b'] },
  { name: 'a bulleted list of code', answers: [lines(`- \`${A}\``, `- \`${B}\``)], ids: ['a', 'b'] },
  { name: 'all on one line', answers: [`${A} ${B} ${SEAL}`], ids: ['a', 'b'] },
  {
    name: 'objects over several lines',
    answers: [lines('{', '  "id": "a",', '  "tool": "write"', '}', C.replace('"b"', '"a"'))],
    ids: ['a', 'c'],
  },
  { name: 'a whole document', answers: [`{"name":"n","tasks":[${A},${B}]}`], ids: ['a', 'b'] },
  { name: 'a first line with a name', answers: [lines('{"name":"n","description":"d"}', A)], ids: ['a'] },
  { name: 'depends_on', answers: [lines(A, '{"id":"b","tool":"write","depends_on":["a"]}')], ids: ['a', 'b'] },
  {
    name: 'braces and quotes in strings',
    answers: ['{"id":"a","tool":"write","arguments":{"text":"} \\" { ] \\\\"}}'],
    ids: ['a'],
  },
  { name: 'other scripts', answers: ['{"id":"a","tool":"write","arguments":{"text":"Grüße 🧵 世界"}}'], ids: ['a'] },
  { name: 'lines behind the seal', answers: [lines(A, SEAL, C)], ids: ['a'] },
  { name: 'a task before its dependency', answers: [lines(C, B, A)], ids: ['a', 'b', 'c'] },
]

/** Strictness about what the lines mean, and repairs. */
const MEANING: readonly AnswerCase[] = [
  { name: 'an unknown tool is mended', answers: [lines(A, B.replace('write', 'wrte')), B], ids: ['a', 'b'] },
  {
    name: 'a task that waits is not written again',
    answers: [lines(A.replace('search', 'serch'), B, C), A],
    ids: ['a', 'b', 'c'],
  },
  {
    name: 'a repair that repeats everything',
    answers: [lines(A, B.replace('write', 'wrte')), lines(A, B, C)],
    ids: ['a', 'b', 'c'],
  },
  { name: 'a cut line', answers: [{ text: `${A}\n${B.slice(0, 30)}`, finishReason: 'length' }, B], ids: ['a', 'b'] },
  {
    name: 'an answer that is cut between lines',
    answers: [{ text: A, finishReason: 'length' }, lines(B, SEAL)],
    ids: ['a', 'b'],
  },
  {
    name: 'a line that is cut by the next one',
    answers: [lines('{"id":"x","tool":"write","argu', A), SEAL],
    ids: ['a'],
  },
  {
    name: 'a line that lacks its brace',
    answers: [lines(A.slice(0, -1), '{"id":"b","tool":"write"}'), A],
    ids: ['b', 'a'],
  },
  { name: 'a wrong bracket', answers: [lines('{"id":"x","tool":"write","dependsOn":["a"}}', A), SEAL], ids: ['a'] },
  { name: 'a comma too many', answers: [lines('{"id":"a","tool":"write",}'), '{"id":"a","tool":"write"}'], ids: ['a'] },
  { name: 'names without quotes', answers: ["{id: 'a', tool: 'write'}", '{"id":"a","tool":"write"}'], ids: ['a'] },
  { name: 'a name twice', answers: ['{"id":"a","id":"b","tool":"write"}', '{"id":"a","tool":"write"}'], ids: ['a'] },
  { name: 'arguments that do not fit', answers: ['{"id":"a","tool":"search","arguments":{"q":1}}', A], ids: ['a'] },
  { name: 'only sentences', answers: ['I cannot do that.', A], ids: ['a'] },
  { name: 'a document with finally', answers: [`{"tasks":[${A}],"finally":[${C}]}`, SEAL], ids: ['a'] },
  { name: 'a dependency that never comes', answers: [lines(A, C), '', ''], ids: ['a'], codes: ['FORWARD_DEPENDENCY'] },
  { name: 'the same id for two tasks', answers: [lines(A, A), SEAL], ids: ['a'] },
  {
    name: 'a field that does not exist',
    answers: ['{"id":"a","tool":"write","wait":1}', '', ''],
    ids: [],
    codes: ['INVALID_SHAPE'],
  },
  {
    name: 'repairs that write nothing',
    answers: [lines(A, B.replace('write', 'wrte')), 'Sorry.', 'I cannot.'],
    ids: ['a'],
    codes: ['UNKNOWN_TOOL'],
  },
  { name: 'a repair that gives the line up', answers: [lines(A, B.replace('write', 'wrte')), SEAL], ids: ['a'] },
  {
    name: 'an unknown tool to the end',
    answers: Array(3).fill('{"id":"a","tool":"run"}'),
    ids: [],
    codes: ['UNKNOWN_TOOL'],
  },
]

export const ANSWERS: readonly AnswerCase[] = [...AROUND, ...MEANING]
