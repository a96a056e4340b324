/** Transfer lists: what stands in them, and how an ArrayBuffer leaves its object. */

/** A DataCloneError of the HTML Standard. */
export function dataCloneError(message: string): DOMException {
  return new DOMException(message, 'DataCloneError');
}

/**
 * The transfer list of `postMessage(message, transfer)`: a sequence, or a dictionary with a member `transfer` (Web IDL's overload).
 *
 * @throws TypeError for anything else.
 */
export function transferList(argument: unknown): object[] {
  if (argument === undefined || argument === null) return [];
  if (typeof argument !== 'object' && typeof argument !== 'function')
    throw new TypeError(`the transfer list is a ${typeof argument}, not an object`);
  if (Symbol.iterator in argument && (argument as Iterable<unknown>)[Symbol.iterator] !== undefined)
    return sequence(argument as Iterable<unknown>);
  const { transfer } = argument as { transfer?: unknown };
  if (transfer === undefined) return [];
  if (transfer === null || (typeof transfer !== 'object' && typeof transfer !== 'function') || !(Symbol.iterator in transfer)) {
    throw new TypeError('the transfer member of the options is not iterable');
  }
  return sequence(transfer as Iterable<unknown>);
}

function sequence(items: Iterable<unknown>): object[] {
  const list: object[] = [];
  for (const item of items) {
    if (item === null || (typeof item !== 'object' && typeof item !== 'function'))
      throw new TypeError(`transfer[${list.length}] is not an object`);
    list.push(item);
  }
  return list;
}

/** Whether an ArrayBuffer has been detached. */
export function isDetached(buffer: ArrayBuffer): boolean {
  const { detached } = buffer as { detached?: boolean };
  if (detached !== undefined) return detached;
  if (buffer.byteLength !== 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** @throws DataCloneError if the buffer has been detached. */
export function checkAttached(buffer: ArrayBuffer, where: string): void {
  if (isDetached(buffer)) throw dataCloneError(`${where} is an ArrayBuffer that has been detached already`);
}

/**
 * Take the bytes out of an ArrayBuffer, without a copy.
 *
 * @throws DataCloneError if it cannot be detached, like the memory of WebAssembly.
 */
export function detachBuffer(buffer: ArrayBuffer, where: string): ArrayBuffer {
  try {
    if (!('transfer' in ArrayBuffer.prototype)) return structuredClone(buffer, { transfer: [buffer] });
    return ArrayBuffer.prototype.transfer.call(buffer);
  } catch (error) {
    throw dataCloneError(`${where} is an ArrayBuffer that cannot be detached: ${(error as Error).message}`);
  }
}
