import type { Message, MessageType } from '../protobuf-schema.ts';
import type { MessageName, Messages, TensorProto } from './proto.ts';
import { schema } from './schema.ts';

/** Every message within a message, itself first, in the order of fields; nesting costs no call stack. */
export function* messagesOf<Name extends MessageName>(
  name: Name,
  message: Messages[Name],
): Generator<{ type: MessageType; message: Message }> {
  const stack = [{ type: schema[name], message: message as Message }];
  for (;;) {
    const next = stack.pop();
    if (next === undefined) return;
    yield next;
    const { fields } = next.type;
    for (let i = fields.length - 1; i >= 0; i--) {
      const { name: field, message: type, repeated } = fields[i]!;
      const value = type === null ? undefined : next.message[field];
      if (value === undefined) continue;
      if (!repeated) {
        stack.push({ type: type!, message: value as Message });
        continue;
      }
      const list = value as Message[];
      for (let j = list.length - 1; j >= 0; j--) stack.push({ type: type!, message: list[j]! });
    }
  }
}

/** Every tensor within a message: initializers, attributes, parts of sparse tensors, in subgraphs and functions. */
export function* tensorsOf<Name extends MessageName>(
  name: Name,
  message: Messages[Name],
): Generator<TensorProto> {
  for (const { type, message: found } of messagesOf(name, message)) {
    if (type === schema.TensorProto) yield found;
  }
}
