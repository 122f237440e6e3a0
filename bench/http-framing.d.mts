export declare const LAST_CHUNK: string

export declare function parseHead(text: string): { status: number; headers: Record<string, string> }
export declare function readChunks(text: string): { body: string; chunkCount: number }
export declare function findLastId(text: string): string

export interface LineCounter {
  count(bytes: Uint8Array, from: number, to: number): void
  total(): number
  reach(least: number): Promise<void>
}

export declare function createLineCounter(): LineCounter
