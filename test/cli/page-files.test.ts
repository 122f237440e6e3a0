import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { PageFiles } from '../../src/cli/page/page-files.ts'

const files = new PageFiles()

function ask(path: string, init: RequestInit = {}): Promise<Response | undefined> {
  return files.answer(new Request(`http://localhost${path}`, init))
}

const PATHS = ['/', '/page/page.js', '/page/page.css', '/page/layout.js', '/page/icon.svg']

describe('the files of the page', () => {
  test('every file carries a policy that allows nothing from elsewhere and nothing inline', async () => {
    for (const path of PATHS) {
      const { status, headers } = (await ask(path)) as Response
      const policy = headers.get('content-security-policy') ?? ''
      expect([path, status, policy.split('; ')[0]]).toEqual([path, 200, "default-src 'self'"])
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  test('the document has no script and no style of its own', async () => {
    const html = await ((await ask('/')) as Response).text()
    expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/)
    const named = Array.from(html.matchAll(/(?:src|href)="([^"]+)"/g), match => match[1])
    expect(named.filter(path => !PATHS.includes(path as string))).toEqual([])
  })

  test('are compressed where that is accepted, and not sent again where they are known', async () => {
    const plain = (await ask('/page/page.js')) as Response
    const compressed = (await ask('/page/page.js', { headers: { 'Accept-Encoding': 'br, gzip' } })) as Response
    expect(compressed.headers.get('content-encoding')).toBe('gzip')
    expect(gunzipSync(Buffer.from(await compressed.arrayBuffer())).toString()).toBe(await plain.text())
    const etag = plain.headers.get('etag') as string
    const known = (await ask('/page/page.js', { headers: { 'If-None-Match': etag } })) as Response
    expect([known.status, await known.text()]).toEqual([304, ''])
  })

  test('are read alone; other paths are left to the server', async () => {
    expect([(await ask('/', { method: 'POST' }))?.status, (await ask('/', { method: 'HEAD' }))?.status]).toEqual([
      405, 200,
    ])
    for (const path of [
      '/executions',
      '/page',
      '/page/',
      '/page/..%2f..%2fpackage.json',
      '/constructor',
      '/index.html',
    ]) {
      expect(await ask(path)).toBeUndefined()
    }
  })
})
