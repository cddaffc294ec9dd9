/// Groups of digits with single signs between: what a card, phone or identity number is written as.
struct DigitRun {
    /// The digits of all groups, at most 32.
    var digits = InlineArray<32, UInt8>(repeating: 0)
    var count = 0
    /// Where each group ends: digits so far, and the byte offset behind it.
    var groupEnds = InlineArray<8, (digits: Int, offset: Int)>(repeating: (0, 0))
    /// The sign before each group but the first.
    var signs = InlineArray<8, UInt8>(repeating: 0)
    var groups = 0
    let start: Int

    /// Reads from a digit on. Groups are parted by one blank, hyphen, dot, slash, or by brackets with a blank.
    init(_ scan: borrowing PIIScan, at start: Int) {
        self.start = start
        var i = start
        while self.groups < 8 {
            let begin = self.count
            while i < scan.count, PIIScan.isDigit(scan.p[i]), self.count < 32 {
                self.digits[self.count] = scan.p[i] - 0x30
                self.count += 1
                i += 1
            }
            if self.count == begin || (self.count == 32 && PIIScan.isDigit(scan.byte(i))) { break }
            self.groupEnds[self.groups] = (self.count, i)
            self.groups += 1
            guard self.groups < 8, let next = Self.next(scan, i, size: self.count - begin) else { break }
            self.signs[self.groups] = next.sign
            i = next.offset
        }
    }

    /// Where the next group begins, and what stands before it.
    private static func next(_ scan: borrowing PIIScan, _ end: Int, size: Int) -> (offset: Int, sign: UInt8)? {
        var i = end
        var sign = scan.byte(i)
        switch sign {
        case 0x20, 0x2D, 0x2E, 0x2F: i += 1
        // "+90(532)4567890"
        case 0x28 where size <= 3 && PIIScan.isDigit(scan.byte(i + 1)): i += 1
        case 0x29:
            i += 1
            if scan.byte(i) == 0x20 || scan.byte(i) == 0x2D { i += 1 }
        case 0xC2 where scan.byte(i + 1) == 0xA0:
            sign = 0x20
            i += 2
        case 0xE2 where scan.byte(i + 1) == 0x80 && (scan.byte(i + 2) >= 0x90 && scan.byte(i + 2) <= 0x93):
            sign = 0x2D
            i += 3
        default: return nil
        }
        if sign == 0x2D, scan.byte(i) == 0x20 { return nil }
        // "+49 (0)30", "(11) 9": an opening bracket may stand before the next group.
        if (sign == 0x20 || sign == 0x2D), scan.byte(i) == 0x28, PIIScan.isDigit(scan.byte(i + 1)) { return (i + 1, 0x28) }
        return PIIScan.isDigit(scan.byte(i)) ? (i, sign) : nil
    }

    /// Number of digits in a group.
    func size(_ group: Int) -> Int { self.groupEnds[group].digits - (group == 0 ? 0 : self.groupEnds[group - 1].digits) }
    /// The value of up to 18 digits of a group.
    func value(_ group: Int) -> Int {
        var value = 0
        for index in (self.groupEnds[group].digits - self.size(group))..<self.groupEnds[group].digits { value = value &* 10 &+ Int(self.digits[index]) }
        return value
    }
    func end(_ group: Int) -> Int { self.groupEnds[group].offset }
    func total(_ group: Int) -> Int { self.groupEnds[group].digits }

    /// Whether the signs before groups 1 to `last` are all this one.
    func isUniform(_ last: Int, _ sign: UInt8) -> Bool {
        var group = 1
        while group <= last {
            if self.signs[group] != sign { return false }
            group += 1
        }
        return true
    }

    /// Whether the groups have these sizes.
    func hasSizes(_ sizes: Int...) -> Bool {
        guard self.groups >= sizes.count else { return false }
        for (group, size) in sizes.enumerated() where self.size(group) != size { return false }
        return true
    }
}
