/// Why a message is not HTTP/1.1 as this codec understands it.
///
/// Where RFC 9112 lets a recipient guess, this codec refuses: two recipients that guess differently are what request smuggling is made of (RFC 9112 section 11.2).
/// A parser that has thrown stays failed; the connection has to be closed after the answer.
public enum HTTPParseError: Error, Sendable, Equatable, CaseIterable {
    /// The request line or status line is longer than ``HTTPLimits/startLineBytes``.
    case startLineTooLong
    /// The request line is not `method SP target SP version` (RFC 9112 section 3).
    case requestLineInvalid
    /// The method is empty or holds a byte that is no `tchar`.
    case methodInvalid
    /// The target is empty, holds a byte outside visible ASCII, a fragment, or has a form that its method does not allow (RFC 9112 section 3.2).
    case targetInvalid
    /// The version is not spelled `HTTP/d.d`.
    case versionInvalid
    /// The version is well formed, and neither 1.0 nor 1.1.
    case versionUnsupported
    /// More than one empty line stands before the request line (RFC 9112 section 2.2).
    case leadingEmptyLines
    /// A line ends in LF without CR. RFC 9112 section 2.2 allows to accept it; peers that do not would see another message.
    case bareLineFeed
    /// A CR stands without LF (RFC 9112 section 2.2).
    case bareCarriageReturn
    /// A field holds NUL (RFC 9110 section 5.5).
    case nulByte
    /// A field value holds another control character.
    case fieldValueInvalid
    /// A line begins with a blank: a folded field (RFC 9112 section 5.2) or a blank before the first field (section 2.2).
    case lineFolding
    /// A blank stands between a field name and its colon (RFC 9112 section 5.1).
    case blankBeforeColon
    /// A field line begins with its colon.
    case fieldNameEmpty
    /// A field name holds a byte that is no `tchar`, or a line has no colon.
    case fieldNameInvalid
    /// A field line is longer than ``HTTPLimits/fieldLineBytes``.
    case fieldTooLarge
    /// The field section is longer than ``HTTPLimits/fieldsBytes``.
    case fieldsTooLarge
    /// The field section has more lines than ``HTTPLimits/fieldCount``.
    case tooManyFields
    /// Content-Length is not one or more digits, or is too large to count: lists, signs and empty values included (RFC 9112 section 6.3).
    case contentLengthInvalid
    /// Content-Length stands more than once, be it with the same value.
    case contentLengthRepeated
    /// Content-Length and Transfer-Encoding stand together (RFC 9112 section 6.1).
    case contentLengthWithTransferEncoding
    /// A transfer coding other than chunked (RFC 9112 section 6.1: answer 501).
    case transferCodingUnsupported
    /// Transfer-Encoding is malformed, or chunked is repeated, has parameters or is not last.
    case transferEncodingInvalid
    /// Transfer-Encoding in an HTTP/1.0 message (RFC 9112 section 6.1).
    case transferEncodingInHTTP10
    /// An HTTP/1.1 request without Host (RFC 9112 section 3.2).
    case hostMissing
    /// A request with more than one Host.
    case hostRepeated
    /// A Host value or an authority in the target that is not `host [ ":" port ]`.
    case hostInvalid
    /// A CONNECT request that announces content (RFC 9110 section 9.3.6).
    case contentOnConnect
    /// A chunk size that is empty, signed, blank-padded, not hexadecimal or longer than 16 digits (RFC 9112 section 7.1).
    case chunkSizeInvalid
    /// A chunk of more than 2^53 bytes.
    case chunkSizeTooLarge
    /// A chunk extension that does not follow the grammar of RFC 9112 section 7.1.1.
    case chunkExtensionInvalid
    /// More chunk extensions than ``HTTPLimits/chunkExtensionBytes``.
    case chunkExtensionsTooLarge
    /// Chunk data is not followed by CRLF.
    case chunkDataUnterminated
    /// A trailer field that would change framing, routing, authentication or content handling (RFC 9110 section 6.5.1).
    case trailerForbidden
    /// The trailer section is longer than ``HTTPLimits/trailerBytes``.
    case trailersTooLarge
    /// The status line is not `version SP 3DIGIT [SP reason]` (RFC 9112 section 4).
    case statusLineInvalid
    /// More informational heads than ``HTTPLimits/informationalCount``.
    case tooManyInformational
    /// A response that cannot have content is transfer-coded (RFC 9112 section 6.1).
    case contentNotAllowed
    /// Response bytes arrived while no request was waiting for them.
    case unexpectedBytes

    /// The bounded spelling for metrics and logs.
    public var code: StaticString {
        switch self {
        case .startLineTooLong: "start_line_too_long"
        case .requestLineInvalid: "request_line_invalid"
        case .methodInvalid: "method_invalid"
        case .targetInvalid: "target_invalid"
        case .versionInvalid: "version_invalid"
        case .versionUnsupported: "version_unsupported"
        case .leadingEmptyLines: "leading_empty_lines"
        case .bareLineFeed: "bare_lf"
        case .bareCarriageReturn: "bare_cr"
        case .nulByte: "nul_byte"
        case .fieldValueInvalid: "field_value_invalid"
        case .lineFolding: "line_folding"
        case .blankBeforeColon: "blank_before_colon"
        case .fieldNameEmpty: "field_name_empty"
        case .fieldNameInvalid: "field_name_invalid"
        case .fieldTooLarge: "field_too_large"
        case .fieldsTooLarge: "fields_too_large"
        case .tooManyFields: "too_many_fields"
        case .contentLengthInvalid: "content_length_invalid"
        case .contentLengthRepeated: "content_length_repeated"
        case .contentLengthWithTransferEncoding: "content_length_with_transfer_encoding"
        case .transferCodingUnsupported: "transfer_coding_unsupported"
        case .transferEncodingInvalid: "transfer_encoding_invalid"
        case .transferEncodingInHTTP10: "transfer_encoding_in_http10"
        case .hostMissing: "host_missing"
        case .hostRepeated: "host_repeated"
        case .hostInvalid: "host_invalid"
        case .contentOnConnect: "content_on_connect"
        case .chunkSizeInvalid: "chunk_size_invalid"
        case .chunkSizeTooLarge: "chunk_size_too_large"
        case .chunkExtensionInvalid: "chunk_extension_invalid"
        case .chunkExtensionsTooLarge: "chunk_extensions_too_large"
        case .chunkDataUnterminated: "chunk_data_unterminated"
        case .trailerForbidden: "trailer_forbidden"
        case .trailersTooLarge: "trailers_too_large"
        case .statusLineInvalid: "status_line_invalid"
        case .tooManyInformational: "too_many_informational"
        case .contentNotAllowed: "content_not_allowed"
        case .unexpectedBytes: "unexpected_bytes"
        }
    }

    /// The status to answer with: what a client sent wrong is 4xx or 5xx as RFC 9110 and 9112 say, what only an upstream can send wrong is 502.
    /// When any other case comes from a response parser, the answer to the gateway's own client is 502 as well.
    public var status: Int {
        switch self {
        case .startLineTooLong: 414
        case .fieldTooLarge, .fieldsTooLarge, .tooManyFields, .trailersTooLarge: 431
        case .transferCodingUnsupported: 501
        case .versionUnsupported: 505
        case .statusLineInvalid, .tooManyInformational, .contentNotAllowed, .unexpectedBytes: 502
        default: 400
        }
    }
}
