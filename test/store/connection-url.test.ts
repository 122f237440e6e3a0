import { describe, expect, test } from 'vitest'
import { describeUrl, readConnectionUrl } from '../../src/store/postgres/connection/connection-url.ts'
import { checkPostgresStore, openPostgresStore } from '../../src/store/postgres/index.ts'

describe('a URL', () => {
  test.each([
    ['postgres://user:hidden@db:5432/name', 'postgres://db:5432/name'],
    ['postgres://user:hid@den@db/name', 'postgres://db/name'],
    ['postgres://user:hid?den@db/name', 'postgres://…'],
    ['postgres://user:hid/den@db/name', 'postgres://db/name'],
    ['postgres://user:hid#den@db/name', 'postgres://db/name'],
    ['postgresql://db/name?user=u&password=hidden', 'postgres://db/name'],
    ['postgres://db/name?password=hid@den', 'postgres://…'],
    ['postgres:///name?host=/var/run/postgresql', 'postgres:///name'],
  ])('%s is shown as %s', (url, shown) => {
    expect(describeUrl(url)).toBe(shown)
  })

  test('an address never holds a part of the password', async () => {
    for (const character of '@/?#:%& \\"\'[]') {
      const password = `hxdd${character}dxnn${character}wxrd`
      const url = `postgres://user:${password}@127.0.0.1:1/name`
      for (const open of [openPostgresStore, checkPostgresStore]) {
        const error = await open(url).then(
          () => undefined,
          (error: unknown) => error as Error & { code: string; input?: unknown },
        )
        const shown = [error?.message, error?.stack, JSON.stringify(error), JSON.stringify(error?.cause)].join('\n')
        expect([character, error?.code]).toEqual([
          character,
          expect.stringMatching(/^(?:STORE_FAILED|INVALID_OPTION)$/),
        ])
        expect(shown).not.toMatch(/hxdd|dxnn|wxrd/)
      }
    }
  })

  test('with a mode of TLS that does not exist is refused', () => {
    for (const mode of ['verify_full', 'required', 'true', '']) {
      expect(() => readConnectionUrl(`postgres://u:hidden@db/name?sslmode=${mode}`, 'x')).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', message: expect.not.stringContaining('hidden') as unknown }),
      )
    }
  })

  test('with the file of an authority that is missing says so', async () => {
    await expect(
      openPostgresStore('postgres://u:hidden@127.0.0.1:1/name?sslmode=verify-full&sslrootcert=/missing.crt'),
    ).rejects.toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining('/missing.crt') as unknown })
  })
})
