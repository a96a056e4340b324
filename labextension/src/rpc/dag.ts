/** DAG nodes: plain data with the CIDs in it pointed out. */

import { InvalidInputError } from '../errors.js';
import { exactBytes } from './bytes.js';
import { decodeCID, encodeCID, isCID } from './cid.js';
import type { EncodedCID, EncodedNode } from './protocol.js';

/** Nesting of a node beyond which it is refused. */
const MAX_DEPTH = 1_000;

/**
 * The node as plain data. Bytes are cut to their own.
 *
 * @throws InvalidInputError for a node that contains itself or nests too deep.
 */
export function encodeNode(node: unknown): EncodedNode {
  const cids: EncodedCID[] = [];
  const above = new Set<object>();
  const encode = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return value;
    if (isCID(value)) {
      const cid = encodeCID(value);
      cids.push(cid);
      return cid;
    }
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return exactBytes(value);
    if (above.has(value)) throw new InvalidInputError('a DAG node cannot contain itself');
    if (above.size >= MAX_DEPTH) throw new InvalidInputError(`a DAG node nests deeper than ${MAX_DEPTH}`);
    above.add(value);
    const encoded = Array.isArray(value) ? value.map(encode) : mapValues(value, encode);
    above.delete(value);
    return encoded;
  };
  return { dagNode: encode(node), cids };
}

/** The node of plain data, with its CIDs as objects of class CID. */
export function decodeNode({ dagNode, cids }: EncodedNode): unknown {
  const links = new Set<unknown>(cids);
  if (links.size === 0) return dagNode;
  const decode = (value: unknown, depth: number): unknown => {
    if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
    if (links.has(value)) return decodeCID(value as EncodedCID);
    if (depth > MAX_DEPTH) throw new InvalidInputError(`a DAG node nests deeper than ${MAX_DEPTH}`);
    return Array.isArray(value) ? value.map(item => decode(item, depth + 1)) : mapValues(value, item => decode(item, depth + 1));
  };
  return decode(dagNode, 0);
}

function mapValues(value: object, map: (item: unknown) => unknown): object {
  // fromEntries defines members, so the key __proto__ is one like any other.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item)]));
}
