// Texts that were written for web pages, as a reader of the page sees them.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::text {

// The text without HTML, read once (as a browser does, "&amp;lt;" becomes "&lt;"):
//
// - Tags of HTML's elements go; those that begin a line or a cell (<p>, <br>, <td>, ...) leave a
//   blank, those within a line (<b>, <a>, <span>, ...) nothing. Whatever else follows a '<' is
//   text: "a < b", "<3", "<a_12>", and every tag that is never closed.
// - Comments, declarations (<!DOCTYPE html>, <?xml ?>), and <script> and <style> with what they
//   hold go; what a <![CDATA[ ]]> holds is text.
// - &#38; and &#x26; are characters (of 128 .. 159 those of Windows-1252, as in browsers; of no
//   character U+FFFD), and so are &amp; and the other names of HTML 4, with &apos;. They need
//   their semicolon; what is no such reference stays as it is.
// - Where anything of that was found, runs of white space and of no-break spaces become one
//   blank, and those at both ends go. A text without HTML stays as it is, to the byte.
//
// The text is UTF-8. Takes time proportional to its length.
TSREC_API std::string without_html(std::string_view text);

}  // namespace tsrec::text
