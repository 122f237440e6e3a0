import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toNumbers, toParameter } from '../../src/store/postgres/connection/parameters.ts'
import { createDatabase, isPostgresMissing } from '../support/postgres.ts'

const TEXTS = [
  [],
  [''],
  ['a', null, ''],
  [null, null],
  ['"quoted"', 'back\\slash', '{a,b}', 'NULL', 'NaN', ' '],
  ['ä', '漢字', '😀', '\u{10ffff}', '\u0001'],
  Array.from({ length: 3000 }, (_, at) => JSON.stringify({ at, text: 'x'.repeat(at) })),
]

const NUMBERS = [[], [0], [1, null, -2, 2 ** 31 - 1], [null]]

describe.skipIf(isPostgresMissing)('parameters of statements', () => {
  let client: pg.Client

  beforeAll(async () => {
    client = new pg.Client(await createDatabase())
    await client.connect()
  })

  afterAll(() => client?.end())

  async function echo(type: string, value: unknown): Promise<unknown> {
    const { rows } = await client.query<{ value: unknown }>(`SELECT $1::${type} AS value`, [toParameter(value)])
    return rows[0]?.value
  }

  test.each(TEXTS.map((texts, at) => [at, texts] as const))('texts arrive as they are (%i)', async (_, texts) => {
    expect(await echo('text[]', texts)).toEqual(texts)
  })

  test.each(NUMBERS)('numbers arrive as they are (%#)', async (...numbers) => {
    expect(await echo('int[]', numbers)).toEqual(numbers)
    expect(await echo('float8[]', numbers)).toEqual(numbers)
  })

  test('numbers beyond 53 bits, as text, are numbers of rows', async () => {
    expect(await echo('bigint[]', toNumbers(['9007199254740993', '1']))).toEqual(['9007199254740993', '1'])
  })

  test('NUL, which no text of the database holds, and half a character are replaced', async () => {
    expect(await echo('text[]', ['a\u0000b', null])).toEqual(['a\ufffdb', null])
    expect(await echo('text', 'a\u0000b')).toBe('a\ufffdb')
    expect(await echo('text[]', ['\ud800'])).toEqual(['\ufffd'])
  })

  test.each([null, true, 1.5, 'text'])('a single value arrives as it is (%s)', async value => {
    const types = { boolean: 'bool', number: 'float8', string: 'text', object: 'text' } as const
    expect(await echo(types[typeof value as keyof typeof types], value)).toEqual(value)
  })
})
